"""Archived inputs on a real control plane: checks that do not count, then a run or the end at the deadline."""

import json

import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.loop.conftest import Operator
from tests.loop.pipeline import Pipeline

RESTORING = results.Failed(reason="ObjectRestoring", message="2 objects are being restored.", hint="Nothing to do.")


@pytest.fixture
def pipeline(plane, api, namespace, tmp_path):
    ufile = {
        "allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}],
        "restore": {"standard": {"every": "1s", "deadline": "2s"}},
    }
    operator = Operator(plane, api, namespace, tmp_path, ufile=ufile).start()
    found = Pipeline(api, namespace, operator)
    found.spec["ufile"] |= {"restore": "Standard"}
    found.spec["retry"] = {"limit": 0}
    yield found
    operator.kill()


def check(pipeline, attempt):
    """Ends the next Resolve Job as one that only found archived inputs whose restore is under way."""
    pipeline.until(
        f"attempt {attempt} is claimed",
        lambda: pipeline.image.get("status", {}).get("stage", {}).get("attempt") == attempt,
    )
    pipeline.fail(Stage.RESOLVE, ExitCode.RESTORING, results.encode(RESTORING).decode())


def test_after_the_restore_the_run_continues(pipeline):
    pipeline.apply()
    check(pipeline, 1)
    check(pipeline, 2)
    pipeline.until("the third check is claimed", lambda: pipeline.image["status"]["stage"].get("waits") == 2)
    pipeline.run_whole()
    assert "lastFailure" not in pipeline.image["status"]
    said = [event["message"] for event in pipeline.events if event["reason"] == "ObjectRestoring"]
    assert said == ["2 objects are being restored. Nothing to do. Check 1 of 2 follows in 1s."]


def test_a_restore_past_its_deadline_stalls(pipeline):
    pipeline.apply()
    for attempt in (1, 2, 3):
        check(pipeline, attempt)
    pipeline.until_condition("Stalled", "True", "RestoreTimedOut")
    status = pipeline.image["status"]
    assert status["lastFailure"]["message"] == (
        "The restore (Standard) did not finish within 2s: 2 objects are being restored."
    )
    assert "console of US3" in json.dumps(status["lastFailure"]["hint"])
    assert len(pipeline.jobs) == 3
