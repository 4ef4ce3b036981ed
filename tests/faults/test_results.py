"""Rows 36, 52 and 53: Jobs that others suspend, shared tags, changing inputs."""

import time

import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.faults.harness import pods
from tests.faults.harness.injected import Count
from tests.faults.harness.request import Match
from tests.faults.image.objects import (
    ALL_DONE,
    BATCH,
    apply,
    created,
    done,
    failing,
    get,
    jobs,
    published,
    until,
    until_job,
)
from tests.support.world import DIGEST

OTHER = "sha256:" + "e" * 64


@pytest.mark.row(36, "Job suspended from outside: said so, no timeout counted, goes on when it is resumed")
def test_a_suspended_job_waits_and_continues(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT))
    bench.operator.start()
    apply(bench, export={"timeout": "8s"})
    job = until_job(bench, Stage.EXPORT)
    deadline = time.monotonic() + job["spec"]["activeDeadlineSeconds"] + 2
    where = bench.path(BATCH, "jobs", job["metadata"]["name"])
    bench.api.merge(where, {"spec": {"suspend": True}})

    def said() -> bool:
        conditions = get(bench)["status"]["conditions"]
        return any("suspended from outside" in c["message"] for c in conditions if c["type"] == "Exported")

    bench.until("it says that the Job is suspended", said)
    bench.api.merge(where + "/status", {"status": {"startTime": None}})  # as Kueue does
    bench.until("the Job's time would be over", lambda: time.monotonic() > deadline)
    bench.outcomes(done(Stage.EXPORT))
    bench.api.merge(where, {"spec": {"suspend": False}})
    published(bench)
    assert created(bench.audited()) == list(Stage)


@pytest.mark.row(52, "two objects with the same tag and output prefix: no collision, TagMoved names the other digest")
def test_two_objects_of_one_tag(make_bench):
    bench = make_bench()
    bench.operator.start()
    apply(bench, "first")
    published(bench, "first")
    moved = results.Published(digest=OTHER, size=1, tags=(results.MovedTag(tag="test", previous=DIGEST),))
    bench.outcomes(done(Stage.BUILD, results.Built(digest=OTHER, size=1)) | done(Stage.PUBLISH, moved))
    apply(bench, "second")
    assert published(bench, "second")["status"]["image"]["digest"] == OTHER
    assert get(bench, "first")["status"]["image"]["digest"] == DIGEST

    def told() -> list:
        events = bench.api.get(bench.path("/api/v1", "events"))["items"]
        return [e for e in events if e["reason"] == "TagMoved"]

    (event,) = bench.until("an Event tells of the moved tag", told)
    assert DIGEST in event["message"]
    assert OTHER in event["message"]
    assert len({job["metadata"]["name"] for job in jobs(bench)}) == 10


@pytest.mark.row(53, "an input changed between resolve and use: resolved again, within the retry limit")
def test_changed_inputs_are_pinned_again(make_bench):
    bench = make_bench(ALL_DONE | failing(Stage.EXPORT, ExitCode.SOURCE_CHANGED, "SourceChanged"))
    second = Match("create", "jobs")
    bench.proxy.add(Count(second, lambda: bench.outcomes(done(Stage.EXPORT)), nth=4))  # the second export
    bench.operator.start()
    apply(bench)
    published(bench)
    again = [Stage.RESOLVE, Stage.EXPORT]
    assert created(bench.audited()) == [*again, *again, Stage.BUILD, Stage.TEST, Stage.PUBLISH]


@pytest.mark.row(53, "inputs that never rest: the end of the run, with the reason")
def test_inputs_that_keep_changing_end_the_run(make_bench):
    bench = make_bench(ALL_DONE | failing(Stage.EXPORT, ExitCode.SOURCE_CHANGED, "SourceChanged"))
    bench.operator.start()
    apply(bench)
    until(bench, "Stalled", "True", "SourceChanged")
    assert created(bench.audited()) == [Stage.RESOLVE, Stage.EXPORT] * 3
