"""Policy Latest with `poll` on the real control plane; the audit log is the witness of what was written."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bench.audit import WriteCounter
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.kube.observe import finished
from tests.loop.api import Object
from tests.support.world import RESULTS

SAME = RESULTS[Stage.RESOLVE]
NEWER = msgspec.structs.replace(SAME, step=900, content_hash="sha256:" + "9" * 64, fingerprint="sha256:" + "8" * 64)
OVERDUE = timedelta(minutes=50)
"""Longer than `poll`, and shorter than the hour after which the time of a look is written."""


@pytest.fixture
def looked_at(pipeline, api):
    """A published object whose next look is overdue."""
    pipeline.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "30m"}
    pipeline.apply()
    pipeline.run_whole()
    api.merge(pipeline.path + "/status", {"status": {"lastPollTime": rfc3339(datetime.now(UTC) - OVERDUE)}})
    return pipeline


@pytest.fixture
def writes(plane, operator):
    """What the operator wrote since the last call."""
    return WriteCounter(plane.audit_log, operator.user).count


def look(pipeline, other_than: Object | None = None) -> Object:
    """The Job of a look at work."""

    def find() -> Object | None:
        for job in pipeline.jobs:
            labels, meta = job["metadata"]["labels"], job["metadata"]
            if labels["uai.ucloud.cn/stage"] == "Poll" and not finished(job) and "deletionTimestamp" not in meta:
                return job if other_than is None or meta["uid"] != other_than["metadata"]["uid"] else None
        return None

    return pipeline.until("a look is at work", find)


def end(pipeline, job: Object, phase: str, code: int, result: results.Result) -> None:
    pipeline.end(pipeline.pod(job), phase, {"resolve": (code, results.encode(result).decode())})
    uid = job["metadata"]["uid"]

    def ended() -> bool:
        """This Job alone: what it found may have been acted on already."""
        return any(finished(found) for found in pipeline.jobs if found["metadata"]["uid"] == uid)

    pipeline.until("the look has ended", ended)


def remove(pipeline, api, job: Object) -> None:
    """The next look is overdue at once: by the status, the last one was 50 minutes ago."""
    api.request(
        "DELETE",
        f"/apis/batch/v1/namespaces/{pipeline.namespace}/jobs/{job['metadata']['name']}",
        {"propagationPolicy": "Background"},
    )


def test_a_poll_writes_only_its_job_and_new_content_is_built(looked_at, api, writes):
    version = looked_at.image["metadata"]["resourceVersion"]
    writes()
    first = look(looked_at)
    end(looked_at, first, "Succeeded", 0, SAME)
    remove(looked_at, api, first)
    second = look(looked_at, other_than=first)
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert looked_at.image["metadata"]["resourceVersion"] == version
    assert looked_at.conditions["Ready"] == ("True", "Published")
    assert writes() == Counter({"create jobs": 2})

    end(looked_at, second, "Succeeded", 0, NEWER)
    looked_at.finish(Stage.RESOLVE, NEWER)
    for stage in (Stage.EXPORT, Stage.BUILD, Stage.TEST):
        looked_at.finish(stage)
    looked_at.until_condition("Ready", "True", "Published")
    status = looked_at.image["status"]
    assert [entry["step"] for entry in status["history"]] == [900, 800]
    assert status["checkpoint"]["step"] == 900
    assert "NewContent" in [event["reason"] for event in looked_at.events]
    assert len(looked_at.jobs) == 9


def test_a_failed_poll_is_reported_and_the_next_one_clears_it(looked_at, api):
    first = look(looked_at)
    refused = results.Failed(reason="UFileForbidden", message="What is wrong.", hint="What to do.")
    end(looked_at, first, "Failed", ExitCode.FORBIDDEN, refused)
    looked_at.until_condition("PollFailed", "True", "UFileForbidden")
    assert looked_at.conditions["Ready"] == ("True", "Published")
    assert "Stalled" not in looked_at.conditions
    remove(looked_at, api, first)
    end(looked_at, look(looked_at, other_than=first), "Succeeded", 0, SAME)
    looked_at.until("the word is taken back", lambda: "PollFailed" not in looked_at.conditions)
    assert looked_at.conditions["Ready"] == ("True", "Published")


def test_a_restarted_operator_assesses_the_poll_that_ended_without_it(looked_at, operator):
    job = look(looked_at)
    operator.kill()
    end(looked_at, job, "Succeeded", 0, NEWER)
    operator.start()
    looked_at.claimed(Stage.RESOLVE)
    assert looked_at.image["status"]["run"]["restartCount"] == 1
    assert looked_at.stages().count("Poll") == 1
