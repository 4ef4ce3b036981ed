"""Rows 15 to 17 and 30: failures of the API server, etcd, the clock, the CRD and a node."""

import time

import pytest

from inference_image_operator.api.stages import Stage
from tests.faults.conftest import FULL
from tests.faults.harness import clocked, pods
from tests.faults.image import objects
from tests.faults.image.install import CRD_PATH, install
from tests.faults.image.objects import (
    ALL_DONE,
    BATCH,
    apply,
    conditions,
    created,
    get,
    jobs,
    pod_of,
    published,
    release,
    until_job,
)
from tests.loop.api import wait_for

OUTAGE = 600 if FULL else 30
NODE_GONE = 300
"""Seconds. The garbage collector checks every 20 s and waits 40 s before it treats a node as gone."""
LINES_A_MINUTE = 40
"""Lines of log during the outage: one for each backed-off attempt, not one for each request."""


@pytest.mark.row(15, "API server down 10 min (30 s unless FULL=1), etcd restarted: recovers, few lines of log")
@pytest.mark.long
def test_the_api_server_is_away(make_bench, plane):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT))
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    programs = plane.control_plane.programs
    before = len(bench.operator.log.splitlines())
    programs["kube-apiserver"].stop()
    programs["etcd"].stop()
    over = time.monotonic() + OUTAGE
    wait_for("the outage is over", lambda: time.monotonic() > over, seconds=OUTAGE + 10)
    lines = len(bench.operator.log.splitlines()) - before
    programs["etcd"].start()
    programs["kube-apiserver"].start()
    plane.control_plane.wait()
    bench.until("pods can be made", lambda: get(bench))
    release(bench, job)
    published(bench)
    assert created(bench.audited()) == list(Stage)
    assert bench.operator.starts == 1
    assert lines < LINES_A_MINUTE * max(1, OUTAGE / 60), bench.operator.log[-3000:]


@pytest.mark.row(16, "the clock jumps 10 min either way: no false timeout")
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_clock_that_jumps_times_nothing_out(make_bench, tmp_path, minutes):
    shift = tmp_path / "shift"
    shift.write_text("0")
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT), resync="2s", program=[clocked.__file__, str(shift)])
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    shift.write_text(str(60 * minutes))
    objects.apply(bench, "other")  # work under the new time
    until_job(bench, Stage.EXPORT, "other")
    assert "Stalled" not in objects.conditions(get(bench))
    for held in (job, until_job(bench, Stage.EXPORT, "other")):
        release(bench, held)
    image = published(bench)
    published(bench, "other")
    assert "lastFailure" not in image["status"]
    assert sorted(created(bench.audited())) == sorted([*Stage, *Stage])


@pytest.mark.row(17, "CRD deleted and created again: it recovers, nothing is orphaned")
def test_the_definition_goes_and_comes_back(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT))
    bench.operator.start()
    apply(bench)
    until_job(bench, Stage.EXPORT)
    bench.api.request("DELETE", CRD_PATH)
    bench.until("the CRD is gone", lambda: bench.api.find(CRD_PATH) is None)
    install(bench.api)
    bench.until("its Jobs are collected", lambda: not bench.api.get(bench.path(BATCH, "jobs"))["items"])
    bench.outcomes(ALL_DONE)
    apply(bench)
    published(bench)
    assert len(jobs(bench)) == len(Stage)


@pytest.mark.row(
    30, "node lost (KWOK plays the nodes, its Node object is deleted as a cloud does): pod replaced, not counted"
)
@pytest.mark.long
def test_a_lost_node(make_bench, plane):
    bench = make_bench(ALL_DONE | pods.on_node("lost"))
    bench.api.request("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "lost"}})
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.RESOLVE)
    lost = bench.path("/api/v1", "pods", pod_of(bench, job)["metadata"]["name"])
    bench.api.merge(f"{lost}/status", {"status": {"phase": "Running"}})
    bench.outcomes(pods.on_node(pods.NODE))
    bench.api.request("DELETE", "/api/v1/nodes/lost")
    bench.until_within("published", lambda: conditions(get(bench)).get("Ready") == ("True", "Published"), NODE_GONE)
    assert created(bench.audited()) == list(Stage)
    assert bench.api.find(lost) is None
