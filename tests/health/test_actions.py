"""Argo CD's actions for InferenceImages, run as its interpreter runs them: with few libraries, on the object `obj`."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from devcluster import binaries
from devcluster.lib.run import run
from inference_image_operator.api.times import parse
from tests.support.world import SPEC

ACTIONS = Path("deploy/argocd/resource_customizations/uai.ucloud.cn/InferenceImage/actions")
NAMES = ("rebuild", "suspend", "resume")
REQUEST = "uai.ucloud.cn/requestedAt"

Object = dict[str, Any]


def image(**spec: object) -> Object:
    meta = {"name": "detector", "namespace": "object-detect", "annotations": {"a": "b"}}
    return {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": meta,
        "spec": {**SPEC, **spec},
    }


def answer(script: str, found: Object) -> Object:
    """What the script returns for an object."""
    program = binaries.ensure(binaries.VERDICTS)["verdicts"]
    (said,) = json.loads(run([program, "run", ACTIONS / script], text=json.dumps([found])))
    return said


@pytest.mark.parametrize(("spec", "suspended"), [({}, False), ({"suspend": False}, False), ({"suspend": True}, True)])
def test_each_object_has_the_actions_that_change_it(spec: dict[str, bool], suspended: object) -> None:
    assert answer("discovery.lua", image(**spec)) == {
        "rebuild": {"disabled": False},
        "suspend": {"disabled": suspended},
        "resume": {"disabled": not suspended},
    }


def test_every_action_has_a_script() -> None:
    assert {path.parent.name for path in ACTIONS.glob("*/action.lua")} == {*NAMES}
    assert answer("discovery.lua", image()).keys() == {*NAMES}


@pytest.mark.parametrize("annotations", [{"a": "b"}, {REQUEST: "before"}, None])
def test_rebuild_requests_a_run_now(annotations: dict[str, str] | None) -> None:
    before = image()
    before["metadata"]["annotations"] = annotations
    began = datetime.now(UTC).replace(microsecond=0)
    after = answer("rebuild/action.lua", before)
    requested = after["metadata"]["annotations"].pop(REQUEST)
    assert began <= parse(requested) <= datetime.now(UTC)
    kept = {name: value for name, value in (annotations or {}).items() if name != REQUEST}
    assert after == before | {"metadata": before["metadata"] | {"annotations": kept}}


@pytest.mark.parametrize(("action", "wanted"), [("suspend", True), ("resume", False)])
def test_suspend_and_resume_change_one_field(action: str, wanted: object) -> None:
    before = image(suspend=not wanted)
    after = copy.deepcopy(before)
    after["spec"]["suspend"] = wanted
    assert answer(f"{action}/action.lua", before) == after
    assert answer(f"{action}/action.lua", image()) == image(suspend=wanted)


def test_a_script_gets_no_library_that_argo_cd_does_not_load(tmp_path: Path) -> None:
    script = tmp_path / "script.lua"
    script.write_text(
        "return {io = io ~= nil, string = string ~= nil, execute = os.execute ~= nil, date = os.date ~= nil}"
    )
    assert answer(str(script), image()) == {"io": False, "string": False, "execute": False, "date": True}
