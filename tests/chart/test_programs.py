"""The alerts by promtool, and the chart's suites by helm-unittest."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from devcluster import binaries
from tests.chart.conftest import CHART

ALERTS = Path(__file__).parent / "alerts"
RULES = CHART / "files" / "alerts.yaml"
SUITES = CHART / "tests"

Run = Callable[..., str]


def said(program: Path, *words: str | Path) -> str:
    """Its output; its complaints fail the test."""
    ended = subprocess.run([program, *words], capture_output=True, text=True, check=False, cwd=ALERTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def promtool() -> Run:
    program = binaries.ensure(binaries.PROMTOOL)["promtool"]
    return lambda *words: said(program, *words)


def test_the_rules_are_sound(promtool: Run) -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)


@pytest.mark.parametrize("file", sorted(ALERTS.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_alert_fires_when_it_should_and_only_then(promtool: Run, file: Path) -> None:
    promtool("test", "rules", file.name)


def test_every_alert_has_a_test_that_sees_it_fire_and_one_that_does_not() -> None:
    seen = set()
    for file in ALERTS.glob("*.yaml"):
        for test in yaml.safe_load(file.read_text())["tests"]:
            seen |= {(case["alertname"], bool(case["exp_alerts"])) for case in test["alert_rule_test"]}
    alerts = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert seen == {(alert, fires) for alert in alerts for fires in (True, False)}


def test_the_suites_of_the_chart() -> None:
    program = binaries.ensure(binaries.UNITTEST)["unittest"]
    suites = [*SUITES.glob("*_test.yaml")]
    assert f"Test Suites: {len(suites)} passed, {len(suites)} total" in said(program, CHART)
