"""Rows 18, 19 and 21 to 26: changes by users and others to objects, Jobs and namespaces."""

import json

import pytest

from inference_image_contract import results
from inference_image_operator.api.stages import Stage
from tests.faults.harness import pods
from tests.faults.harness.subject import Bench
from tests.faults.harness.together import together
from tests.faults.image.invariants import final
from tests.faults.image.objects import (
    ALL_DONE,
    BATCH,
    GROUP,
    NAME,
    apply,
    created,
    done,
    get,
    jobs,
    path,
    published,
    release,
    until_job,
)
from tests.loop.api import wait_for
from tests.support.world import DIGEST, RESULTS

OTHER = "sha256:" + "e" * 64
BACKGROUND = "?propagationPolicy=Background"


def operator_writes(bench: Bench) -> list:
    return [w for w in bench.audited() if w.user.startswith(f"system:serviceaccount:{bench.namespace}:")]


def settled_elsewhere(bench: Bench, name: str = "other") -> None:
    """Brings another object to its end. Then the operator has also handled all events of the first one."""
    apply(bench, name)
    published(bench, name)


def deleted_in(make_bench, stage: Stage):
    bench = make_bench(ALL_DONE | pods.hold(stage))

    def case() -> None:
        bench.operator.start()
        apply(bench)
        until_job(bench, stage)
        bench.operator.stop()
        bench.api.request("DELETE", path(bench.namespace))
        bench.until("the object is gone", lambda: get(bench) is None)
        bench.until("Jobs and pods are gone", lambda: not jobs(bench) and not _pods(bench))

    return case


def _pods(bench: Bench) -> list:
    return bench.api.get(bench.path("/api/v1", "pods"))["items"]


@pytest.mark.row(18, "deleted in each state with the operator down: gone at once, Jobs collected")
def test_deletion_needs_no_operator(make_bench):
    together({stage: deleted_in(make_bench, stage) for stage in Stage})


@pytest.mark.row(19, "namespace deleted in the middle of a build: ends, no create loop")
def test_a_deleted_namespace_ends_its_runs(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.BUILD), resync="2s")
    bench.operator.start()
    apply(bench)
    until_job(bench, Stage.BUILD)
    before = len(created(bench.audited()))
    bench.api.request("DELETE", f"/api/v1/namespaces/{bench.namespace}")
    where = f"/api/v1/namespaces/{bench.namespace}"

    def explain() -> str:
        return json.dumps([bench.api.find(where), _pods(bench)]) + bench.explain()

    wait_for("the namespace is gone", lambda: bench.api.find(where) is None, explain, 180)
    attempts = [r for r in bench.proxy.writes if r.verb == "create" and r.resource == "jobs"]
    assert len(attempts) <= before + 5
    assert len(created(bench.audited())) == before
    assert bench.operator.starts == 1


def edited_during(make_bench, stage: Stage):
    bench = make_bench(ALL_DONE | pods.hold(stage))

    def case() -> None:
        bench.operator.start()
        apply(bench)
        old = until_job(bench, stage)["metadata"]["name"]
        bench.outcomes(ALL_DONE | other_content())
        apply(bench, step=900)
        image = published(bench, generation=2)
        assert image["status"]["image"]["generation"] == 2
        assert old not in [job["metadata"]["name"] for job in jobs(bench)]
        stages = list(Stage)
        assert created(bench.audited()) == [*stages[: stages.index(stage) + 1], *stages]

    return case


@pytest.mark.row(21, "edited during each stage: the old Job stopped, only the new generation reported")
def test_an_edit_stops_the_running_job(make_bench):
    together({stage: edited_during(make_bench, stage) for stage in Stage})


def resolved(digest: str) -> dict[str, str]:
    """Resolve finds an existing graph and image of this content."""
    found = RESULTS[Stage.RESOLVE]
    assert isinstance(found, results.Resolved)
    exported, built = RESULTS[Stage.EXPORT], results.Built(digest=digest, size=5000)
    assert isinstance(exported, results.Exported)
    return done(Stage.RESOLVE, _replace(found, graph=exported.graph, image=built))


def _replace(found: results.Resolved, **changes: object) -> results.Resolved:
    import msgspec  # noqa: PLC0415 - one line of use

    return msgspec.structs.replace(found, **changes)


def other_content() -> dict[str, str]:
    """Resolve finds inputs of another content, and nothing that exists of it."""
    found = RESULTS[Stage.RESOLVE]
    assert isinstance(found, results.Resolved)
    return done(Stage.RESOLVE, _replace(found, inputs_hash="sha256:" + "9" * 64))


def moved_tag(digest: str, previous: str) -> dict[str, str]:
    tags = (results.MovedTag(tag="test", previous=previous),)
    return done(Stage.PUBLISH, results.Published(digest=digest, size=5000, tags=tags))


@pytest.mark.row(22, "inputs A, then B, then A: nothing exported or built again, the tags moved back")
def test_a_return_to_earlier_content_only_publishes(make_bench):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    published(bench)
    bench.outcomes(other_content() | done(Stage.BUILD, results.Built(digest=OTHER, size=1)) | moved_tag(OTHER, DIGEST))
    apply(bench, step=900)
    assert published(bench, generation=2)["status"]["image"]["digest"] == OTHER
    bench.outcomes(resolved(DIGEST) | moved_tag(DIGEST, OTHER))
    apply(bench)
    image = published(bench, generation=3)
    assert image["status"]["image"]["digest"] == DIGEST
    assert created(bench.audited()) == [*Stage, *Stage, Stage.RESOLVE, Stage.PUBLISH]
    assert [entry["digest"] for entry in image["status"]["history"]] == [DIGEST, OTHER, DIGEST]


@pytest.mark.row(23, "a label-only edit: zero writes")
def test_a_label_edit_causes_no_write(make_bench):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    published(bench)
    settled_elsewhere(bench)
    before = len(operator_writes(bench))
    bench.api.merge(path(bench.namespace), {"metadata": {"labels": {"team": "vision"}}})
    settled_elsewhere(bench, "third")
    writes = operator_writes(bench)[before:]
    assert [w for w in writes if w.name == NAME or w.name.startswith(NAME)] == []


@pytest.mark.row(24, "the operator upgraded with finished objects around: zero new Jobs, zero writes")
def test_an_upgrade_rebuilds_nothing(make_bench, tmp_path):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    published(bench)
    settled_elsewhere(bench)
    bench.operator.stop()
    before = len(operator_writes(bench))
    config = next(tmp_path.glob(f"{bench.namespace}-*/config.yaml"))
    config.write_text(config.read_text().replace("0" * 64, "1" * 64))  # other images of every step
    bench.operator.start()
    settled_elsewhere(bench, "third")
    assert {w.name for w in operator_writes(bench)[before:] if w.resource == "inferenceimages"} == {"third"}
    assert len(created(bench.audited())) == 3 * len(Stage)


@pytest.mark.row(25, "Jobs removed after their results are recorded: stays Ready")
def test_deleted_old_jobs_do_not_matter(make_bench):
    bench = make_bench(resync="2s")
    bench.operator.start()
    apply(bench)
    published(bench)
    bench.api.request("DELETE", bench.path(BATCH, "jobs") + BACKGROUND)
    before = len([w for w in operator_writes(bench) if w.name == NAME])
    settled_elsewhere(bench)
    assert len([w for w in operator_writes(bench) if w.name == NAME]) == before
    assert created(bench.audited()) == [*Stage, *Stage]


@pytest.mark.row(25, "Job removed before its result is recorded: one new attempt")
@pytest.mark.parametrize("finished", [False, True], ids=["running", "finished"])
def test_a_lost_job_is_created_again(make_bench, finished):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT), resync="5s")
    bench.operator.start()
    apply(bench)
    job = until_job(bench, Stage.EXPORT)
    bench.operator.freeze()
    if finished:
        release(bench, job)
        where = bench.path(BATCH, "jobs", job["metadata"]["name"])
        bench.until("the Job is complete", lambda: bench.api.get(where)["status"].get("completionTime"))
    bench.outcomes(done(Stage.EXPORT))
    bench.api.request("DELETE", bench.path(BATCH, "jobs", job["metadata"]["name"]) + BACKGROUND)
    bench.operator.thaw()
    published(bench)
    assert created(bench.audited()) == [Stage.RESOLVE, Stage.EXPORT, *list(Stage)[1:]]


@pytest.mark.long
@pytest.mark.row(26, "status wiped: rebuilt from the Jobs while they exist")
def test_a_wiped_status_is_rebuilt_from_the_jobs(make_bench):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    published(bench)
    bench.operator.stop()
    before = final(bench)
    wipe(bench)
    bench.operator.start()
    published(bench)
    after = final(bench)
    assert after == before


def wipe(bench: Bench) -> None:
    bench.api.request("PUT", path(bench.namespace) + "/status", {**get(bench), "status": {"observedGeneration": -1}})


@pytest.mark.row(26, "objects restored under new uids: with their status nothing runs, without it all is made again")
@pytest.mark.parametrize("status", [False, True], ids=["without status", "with status"])
def test_a_restored_object_reuses_what_its_status_records(make_bench, status):
    bench = make_bench()
    bench.operator.start()
    apply(bench)
    backup = published(bench)
    bench.operator.stop()
    bench.api.request("DELETE", path(bench.namespace))
    bench.until("all is gone", lambda: get(bench) is None and not jobs(bench))
    meta = {"name": NAME}
    body = {**backup, "metadata": meta}
    restored = bench.api.request("POST", bench.path(GROUP, "inferenceimages"), body)
    if status:
        bench.api.request("PUT", path(bench.namespace) + "/status", {**restored, "status": backup["status"]})
    bench.operator.start()
    settled_elsewhere(bench)
    image = published(bench)
    assert image["status"]["image"]["digest"] == DIGEST
    again = [w for w in bench.audited() if w.verb == "create" and w.resource == "jobs" and w.done][4:]
    mine = [w for w in again if w.object["metadata"]["ownerReferences"][0]["uid"] == image["metadata"]["uid"]]
    assert created(mine) == ([] if status else [*Stage])
