"""Rows 5 to 7: watches that end, report errors or fall silent."""

import time

import pytest

from inference_image_operator.api.stages import Stage
from tests.faults.harness import pods
from tests.faults.harness.injected import DelayEvents, DropEvents, HalfOpen, WatchError
from tests.faults.harness.request import Match
from tests.faults.image.objects import ALL_DONE, BATCH, apply, created, done, published, until_job

JOBS = Match("watch", "jobs")
IMAGES = Match("watch", "inferenceimages")
LATE = 5
"""Delay of events in seconds: longer than a stage takes here, so that each event is about the previous stage."""


def remove(bench, job) -> None:
    bench.api.request("DELETE", bench.path(BATCH, "jobs", job["metadata"]["name"]) + "?propagationPolicy=Background")


def watches(bench, which) -> list:
    return [request for request in [*bench.proxy.requests] if which(request)]


@pytest.mark.row(5, "410 Gone, and a Job deleted in the gap")
def test_a_job_that_went_in_the_gap_is_missed(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT), resync="5s")
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    gone = bench.proxy.add(WatchError(JOBS, 410, "Expired"))  # replaces the event of the deletion
    bench.outcomes(done(Stage.EXPORT))
    remove(bench, job)
    published(bench)
    assert gone.hits
    assert created(bench.audited()) == ["Resolve", "Export", "Export", "Build", "Test", "Publish"]
    assert bench.operator.starts == 1


@pytest.mark.long
@pytest.mark.row(6, "ERROR 500 in the watch of Jobs and of InferenceImages")
@pytest.mark.parametrize("which", [JOBS, IMAGES], ids=["jobs", "images"])
def test_an_error_in_the_watch_does_not_end_the_process(make_bench, which):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT))
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    error = bench.proxy.add(WatchError(which, 500, "InternalError"))
    bench.api.merge(bench.path(BATCH, "jobs", job["metadata"]["name"]), {"metadata": {"labels": {"touched": "yes"}}})
    apply(bench, request="now")  # an event for each watch
    bench.outcomes(done(Stage.EXPORT))
    published(bench)
    assert error.hits
    assert bench.operator.starts == 1


@pytest.mark.row(7, "half-open watches: opened again within 80 s")
@pytest.mark.long
def test_a_silent_watch_is_opened_again(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT))
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    since = time.monotonic()
    before = len(watches(bench, JOBS))
    bench.proxy.add(HalfOpen(lambda request: request.verb == "watch"))
    bench.outcomes(done(Stage.EXPORT))
    remove(bench, job)  # without an event
    bench.until("a new watch", lambda: len(watches(bench, JOBS)) > before)
    assert time.monotonic() - since < 80
    apply(bench, request="now")
    published(bench)
    assert bench.operator.starts == 1


@pytest.mark.row(4, "all events of a whole run dropped")
def test_deaf_from_the_start_it_lives_by_the_resync(make_bench):
    bench = make_bench(resync="2s")
    bench.proxy.add(DropEvents(1, 1 << 30))
    bench.operator.start()
    apply(bench)
    published(bench)
    assert created(bench.audited()) == list(Stage)


@pytest.mark.row(4, "every watch event 5 s late")
def test_late_news_make_no_second_job(make_bench):
    bench = make_bench(resync="2s")
    late = bench.proxy.add(DelayEvents(LATE))
    bench.operator.start()
    apply(bench)
    published(bench)
    assert late.hits
    assert created(bench.audited()) == list(Stage)
