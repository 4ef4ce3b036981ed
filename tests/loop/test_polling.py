"""Policy Latest with `poll` on a real control plane. The audit log shows the writes."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bench.pipelines.audit import WriteCounter
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.kube.observe import finished
from tests.loop.api import Object
from tests.support.world import RESULTS

SAME = RESULTS[Stage.RESOLVE]
NEWER = msgspec.structs.replace(SAME, step=900, inputs_hash="sha256:" + "9" * 64, fingerprint="sha256:" + "8" * 64)
OVERDUE = timedelta(minutes=50)
"""Longer than `poll`, and shorter than the hour after which the time of a poll is written."""


@pytest.fixture
def polled(pipeline, api):
    """A published object whose next poll is overdue."""
    pipeline.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "30m"}
    pipeline.apply()
    pipeline.run_whole()
    api.merge(pipeline.path + "/status", {"status": {"lastPollTime": rfc3339(datetime.now(UTC) - OVERDUE)}})
    return pipeline


@pytest.fixture
def writes(plane, operator):
    """The operator's writes since the last call."""
    return WriteCounter(plane.audit_log, operator.user).count


def running_poll(pipeline, other_than: Object | None = None) -> Object:
    """The Job of the running poll."""

    def find() -> Object | None:
        for job in pipeline.jobs:
            labels, meta = job["metadata"]["labels"], job["metadata"]
            if labels["uai.ucloud.cn/stage"] == "Poll" and not finished(job) and "deletionTimestamp" not in meta:
                return job if other_than is None or meta["uid"] != other_than["metadata"]["uid"] else None
        return None

    return pipeline.until("a poll runs", find)


def end(pipeline, job: Object, phase: str, code: int, result: results.Result) -> None:
    pipeline.end(pipeline.pod(job), phase, {"resolve": (code, results.encode(result).decode())})
    uid = job["metadata"]["uid"]

    def ended() -> bool:
        """Checks this Job alone: the operator may have acted on its result already."""
        return any(finished(found) for found in pipeline.jobs if found["metadata"]["uid"] == uid)

    pipeline.until("the poll has ended", ended)


def remove(pipeline, api, job: Object) -> None:
    """Deletes the poll's Job. The next poll is overdue: by the status, the last one was 50 minutes ago."""
    api.request(
        "DELETE",
        f"/apis/batch/v1/namespaces/{pipeline.namespace}/jobs/{job['metadata']['name']}",
        {"propagationPolicy": "Background"},
    )


def test_a_poll_writes_only_its_job_and_new_content_is_built(polled, api, writes):
    version = polled.image["metadata"]["resourceVersion"]
    writes()
    first = running_poll(polled)
    end(polled, first, "Succeeded", 0, SAME)
    remove(polled, api, first)
    second = running_poll(polled, other_than=first)
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert polled.image["metadata"]["resourceVersion"] == version
    assert polled.conditions["Ready"] == ("True", "Published")
    assert writes() == Counter({"create jobs": 2})

    end(polled, second, "Succeeded", 0, NEWER)
    polled.finish(Stage.RESOLVE, NEWER)
    for stage in (Stage.EXPORT, Stage.BUILD, Stage.TEST, Stage.PUBLISH):
        polled.finish(stage)
    polled.until_condition("Ready", "True", "Published")
    status = polled.image["status"]
    assert [entry["step"] for entry in status["history"]] == [900, 800]
    assert status["checkpoint"]["step"] == 900
    assert "NewContent" in [event["reason"] for event in polled.events]
    assert len(polled.jobs) == 11


def test_a_failed_poll_is_reported_and_the_next_one_clears_it(polled, api):
    first = running_poll(polled)
    refused = results.Failed(reason="UFileForbidden", message="What is wrong.", hint="What to do.")
    end(polled, first, "Failed", ExitCode.FORBIDDEN, refused)
    polled.until_condition("PollFailed", "True", "UFileForbidden")
    assert polled.conditions["Ready"] == ("True", "Published")
    assert "Stalled" not in polled.conditions
    remove(polled, api, first)
    end(polled, running_poll(polled, other_than=first), "Succeeded", 0, SAME)
    polled.until("PollFailed is cleared", lambda: "PollFailed" not in polled.conditions)
    assert polled.conditions["Ready"] == ("True", "Published")


def test_a_restarted_operator_assesses_the_poll_that_ended_without_it(polled, operator):
    job = running_poll(polled)
    operator.kill()
    end(polled, job, "Succeeded", 0, NEWER)
    operator.start()
    polled.claimed(Stage.RESOLVE)
    assert polled.image["status"]["run"]["restartCount"] == 1
    assert polled.stages().count("Poll") == 1
