"""Failures of Kaniko in its pod are reported like those captured without a cluster (tests/captures/kaniko)."""

import pytest

from demo import kubectl
from devcluster import settings
from tests.captures.kaniko import scenarios
from tests.e2e.stack import objects
from tests.unit.operator.diagnosis.test_captured_logs import EXPECTED

NAMES = ("run_fails", "run_command_not_found", "run_without_network", "run_user_unknown", "add_address_missing")
SCENARIOS = {scenario.name: scenario for scenario in scenarios.ALL}


def dockerfile(name: str) -> str:
    """The captured Dockerfile, with images of the development cluster."""
    text = SCENARIOS[name].dockerfile
    for base in (scenarios.SYSTEM, scenarios.SMALL):
        text = text.replace(base, settings.BASE_IMAGE)
    return text.replace(scenarios.REGISTRY, settings.REGISTRY_HOST)


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_of_kaniko(case, name):
    reason, _, *words = EXPECTED[name]
    objects({"write": [f"{case.prefix}source/object-detect-cpu.Dockerfile", dockerfile(name)]})
    del case.spec["build"]["args"]
    case.apply()
    case.until_failed(reason)
    kubectl.kubectl("-n", case.namespace, "delete", "pods,jobs", "--all")
    failure = case.status["lastFailure"]
    assert failure["stage"] == "Build"
    said = f"{failure['message']} {failure['hint']}"
    assert [word for word in words if word not in said] == []
    assert "error building image" in failure["logTail"]
