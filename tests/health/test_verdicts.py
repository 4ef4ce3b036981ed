"""What kstatus (`kubectl` plugins), Flux with our expressions and Argo CD make of every state, by their own code.

states.json is the recording: each state with the verdicts. After an intended change, run `UPDATE_GOLDEN=1` with this
file and read the diff.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from devcluster import binaries
from devcluster.lib.run import run
from tests.health.states import recorded

RECORDING = Path(__file__).parent / "states.json"
SCRIPT = Path("deploy/argocd/resource_customizations/uai.ucloud.cn/InferenceImage/health.lua")
CHECKS = Path("deploy/flux/health-checks.yaml")
STATES = recorded()


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    program = binaries.ensure(binaries.VERDICTS)["verdicts"]
    (checks,) = yaml.safe_load(CHECKS.read_text())
    file = tmp_path_factory.mktemp("flux") / "checks.json"
    file.write_text(json.dumps(checks))
    found = json.loads(run([program, "judge", SCRIPT, file], text=json.dumps(list(STATES.values()))))
    return dict(zip(STATES, found, strict=True))


def test_the_verdicts_are_those_of_the_recording(verdicts):
    if os.environ.get("UPDATE_GOLDEN"):
        RECORDING.write_text(json.dumps(verdicts, indent=1) + "\n")
    assert json.loads(RECORDING.read_text()) == verdicts


def test_each_verdict_is_what_the_state_means(verdicts):
    wanted = {state: {"kstatus": kstatus(state), "flux": kstatus(state), "argo": argo(state)} for state in STATES}
    assert verdicts == wanted


def kstatus(state: str) -> str:
    """An edit that is not applied is in progress; then Stalled has failed, and only a published image is current."""
    if state.startswith(("new", "edited", "suspend edited")):
        return "InProgress"
    if "Stalled=True" in state:
        return "Failed"
    return "Current" if "Ready=True" in state else "InProgress"


def argo(state: str) -> str:
    if "Suspended=True" in state and state.startswith("suspend"):
        return "Suspended"
    return {"InProgress": "Progressing", "Failed": "Degraded", "Current": "Healthy"}[kstatus(state)]
