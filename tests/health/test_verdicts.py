"""What kstatus (Flux, `kubectl` plugins) and Argo CD make of every state, by their own code.

states.json is the recording: each state with both verdicts. After an intended change, run `UPDATE_GOLDEN=1` with this
file and read the diff.
"""

import json
import os
from pathlib import Path

import pytest

from devcluster import binaries
from devcluster.lib.run import run
from tests.health.states import recorded

RECORDING = Path(__file__).parent / "states.json"
SCRIPT = Path("deploy/argocd/resource_customizations/uai.ucloud.cn/InferenceImage/health.lua")
STATES = recorded()


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, str]]:
    program = binaries.ensure(binaries.VERDICTS)["verdicts"]
    found = json.loads(run([program, SCRIPT], text=json.dumps(list(STATES.values()))))
    return dict(zip(STATES, found, strict=True))


def test_the_verdicts_are_those_of_the_recording(verdicts):
    if os.environ.get("UPDATE_GOLDEN"):
        RECORDING.write_text(json.dumps(verdicts, indent=1) + "\n")
    assert json.loads(RECORDING.read_text()) == verdicts


def test_each_verdict_is_what_the_state_means(verdicts):
    assert verdicts == {state: {"kstatus": kstatus(state), "argo": argo(state)} for state in STATES}


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


def test_the_guide_shows_the_script():
    guide = Path("docs/guides/usage.md").read_text()
    assert "".join(f"  {line}\n" for line in SCRIPT.read_text().splitlines()) in guide
