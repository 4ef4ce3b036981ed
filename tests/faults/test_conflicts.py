"""Rows 8 to 10: stale reads, existing Jobs, and other writers of the status."""

import copy

import pytest

from inference_image_operator.api.stages import Stage
from tests.faults.conftest import FULL
from tests.faults.harness.injected import Answer, Count, StaleReads
from tests.faults.harness.request import Match
from tests.faults.harness.together import together
from tests.faults.image.invariants import final
from tests.faults.image.objects import BATCH, NAME, apply, conditions, created, get, jobs, path, published, until
from tests.loop.api import wait_for

PATCH = Match("patch", "inferenceimages/status")
STALE = 30 if FULL else 12


def stale_from(make_bench, write: int):
    """A case: from the operator's k-th write on, its reads are stale."""
    bench = make_bench()

    def case() -> None:
        stale = bench.proxy.add(StaleReads(lambda _: True, STALE))
        bench.proxy.add(Count(lambda request: request.write == write, stale.freeze))
        bench.operator.start()
        apply(bench)
        published(bench)
        assert stale.hits, "no read was stale"
        assert created(bench.audited()) == list(Stage)

    return case


@pytest.mark.row(8, "reads 30 s stale (12 s unless FULL=1), from each of several writes on")
def test_stale_reads_make_no_second_job(make_bench):
    together({f"stale from write {write}": stale_from(make_bench, write) for write in (2, 3, 4, 6, 8, 10)})


@pytest.mark.row(9, "its own Job exists already: adopted")
def test_an_existing_job_of_its_own_is_adopted(make_bench):
    bench = make_bench()
    stale = bench.proxy.add(StaleReads(Match("list", "jobs"), 5))
    bench.proxy.add(Count(Match("create", "jobs"), stale.freeze))
    bench.operator.start()
    apply(bench)
    published(bench)
    refused = [w for w in bench.audited() if (w.verb, w.resource, w.code) == ("create", "jobs", 409)]
    assert refused, "it never tried to create the existing Job"
    assert created(bench.audited()) == list(Stage)


@pytest.mark.row(9, "a foreign Job has that name: JobNameConflict, untouched")
def test_a_foreign_job_is_left_alone(make_bench):
    bench = make_bench()
    seen: list[str] = []
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}

    def squat() -> None:
        name = get(bench)["status"]["stage"]["job"]
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}}
        seen.append(bench.api.request("POST", bench.path(BATCH, "jobs"), body)["metadata"]["uid"])

    bench.proxy.add(Count(Match("create", "jobs"), squat))
    bench.operator.start()
    apply(bench)
    until(bench, "Stalled", "True", "JobNameConflict")
    assert [job["metadata"]["uid"] for job in jobs(bench)] == seen
    assert "ownerReferences" not in jobs(bench)[0]["metadata"]


@pytest.mark.row(10, "409 on the status: read again, conditions of others kept")
def test_after_a_conflict_the_operator_reads_again_and_keeps_foreign_conditions(make_bench):
    bench = make_bench()
    foreign = {
        "type": "example.com/Scanned", "status": "True", "reason": "Clean", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip

    def scan() -> None:
        body = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": NAME}}
        where = path(bench.namespace) + "/status?fieldManager=scanner&force=true"
        bench.api.request("PATCH", where, body | {"status": {"conditions": [foreign]}}, "application/apply-patch+yaml")

    bench.proxy.add(Count(PATCH, scan, nth=8))
    injected = bench.proxy.add(Answer(PATCH, 409, times=5))
    bench.operator.start()
    apply(bench)
    image = published(bench)
    assert len(injected.hits) == 5
    assert [w.code for w in bench.audited() if w.subresource == "status" and w.code == 409], (
        "there was no real conflict"
    )
    assert conditions(image)["example.com/Scanned"] == ("True", "Clean")
    assert created(bench.audited()) == list(Stage)


@pytest.mark.row(20, "deleted and made again under the same name: never credited with the old result")
def test_a_new_object_with_the_same_name_starts_from_scratch(make_bench):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    old = copy.deepcopy(published(bench))
    bench.operator.freeze()
    bench.api.request("DELETE", path(bench.namespace))
    wait_for("it is gone", lambda: get(bench) is None)
    apply(bench)
    bench.operator.thaw()
    new = published(bench)
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert created(bench.audited()) == [*Stage, *Stage]
    assert len(final(bench)["images"][NAME]["history"]) == 1
