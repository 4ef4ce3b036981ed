"""The alerts, the dashboard and the page of the metrics: they use the metrics that the operator has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from inference_image_operator.runtime.metrics import Metrics

ROOT = Path(__file__).parents[3]
FILES = ROOT / "deploy" / "helm" / "files"
PAGE = ROOT / "docs" / "operations" / "metrics.md"
SUFFIX = re.compile(r"_(bucket|count|sum)$")
ROWS = re.findall(r"^\| `(inferenceimage_\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
LABELS = {name: set(re.findall(r"`([a-z]+)`", re.sub(r"\(.*?\)", "", labels))) for name, _, labels in ROWS}
RULES = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"][0]["rules"]
PANELS = json.loads((FILES / "dashboard.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [t["expr"] for panel in PANELS for t in panel["targets"]]


@pytest.fixture(scope="module")
def served() -> dict[str, str]:
    """The type of each metric that the operator serves."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", Metrics().text().decode(), re.MULTILINE))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_use_metrics_and_labels_that_exist(expression: str, served: dict[str, str]) -> None:
    parsed = promql_parser.parse(expression.replace("$__rate_interval", "5m"))
    selectors = list(_selectors(parsed))
    assert selectors
    for selector in selectors:
        name = SUFFIX.sub("", selector.name) if selector.name not in served else selector.name
        assert name in served, selector.name
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert labels <= LABELS.get(name, set())


def _selectors(node: Any) -> Iterator[Any]:
    """Every vector selector in an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "args", "vector_selector"):
        part = getattr(node, name, None)
        for child in part if isinstance(part, list) else [part]:
            if child is not None:
                yield from _selectors(child)


def test_every_alert_has_a_runbook() -> None:
    headings = {line.removeprefix("### ") for line in PAGE.read_text().splitlines() if line.startswith("### ")}
    assert {rule["alert"] for rule in RULES} == headings
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"docs/operations/metrics.md#{rule['alert'].lower()}"
        assert {"summary", "description"} <= {*rule["annotations"]}


def test_panels_do_not_overlap() -> None:
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in PANELS]
    assert len({*places}) == len(PANELS) == len({p["id"] for p in PANELS})


def test_the_page_lists_every_metric_with_its_type(served: dict[str, str]) -> None:
    own = {name: kind for name, kind in served.items() if name.startswith("inferenceimage_") and "_created" not in name}
    assert {name: kind for name, kind, _ in ROWS} == own
