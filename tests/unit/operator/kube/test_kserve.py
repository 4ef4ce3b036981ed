"""What KServe says of an InferenceService, and what counts."""

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from inference_image_operator.api.times import rfc3339
from inference_image_operator.kube.rollout import with_target
from inference_image_operator.observed import Target
from tests.support.world import START
from tests.unit.operator.kube.test_rollout import ALLOWED, IMAGE, META, Cluster, observed, pod

LATER, EARLIER = START + timedelta(seconds=1), START - timedelta(seconds=1)
SERVICE: dict[str, Any] = {
    "metadata": META | {"name": "server"},
    "spec": {"predictor": {"model": {"modelFormat": {"name": "detector"}, "runtime": "detector", "image": IMAGE}}},
    "status": {"observedGeneration": 1},
}
SELECTOR = "component=predictor,serving.kserve.io/inferenceservice=server"
READY = [{"type": "Ready", "status": "True"}]
STALE = {"status": "True", "at": EARLIER}


def service(status: str = "Unknown", at: datetime | str = LATER, created: str = "", **condition: Any) -> Any:
    """An InferenceService with this condition Ready; `created` is the newest revision if it is not the ready one."""
    found = copy.deepcopy(SERVICE)
    time = at if isinstance(at, str) else rfc3339(at)
    found["status"]["conditions"] = [
        {"type": "PredictorReady", "status": "True"},
        {"type": "Ready", "status": status, "lastTransitionTime": time, **condition},
    ]
    if created:
        revisions = {"latestCreatedRevision": created, "latestReadyRevision": "server-predictor-00001"}
        found["status"]["components"] = {"predictor": revisions}
    return found


async def read(found: Any, *pods: Any) -> Target:
    target = (await with_target(Cluster(found, *pods), ALLOWED, observed(inferenceService={"name": "server"}))).target
    assert target is not None
    return target


def ready_pod(image: str = IMAGE, conditions: Any = READY) -> Any:
    found = pod("server-predictor-1", image, "2026-01-01T00:00:00Z")
    found["status"]["conditions"] = conditions
    return found


async def test_the_model_of_the_predictor_is_read():
    target = await read(SERVICE)
    assert (target.image, target.uid, target.agrees_with) == (IMAGE, "u", "detector")
    assert not target.is_available
    assert target.progress == "Ready is Unknown"


async def test_ready_counts_if_it_became_true_since_the_image_is_there():
    cluster = Cluster(service("True"))
    found = await with_target(cluster, ALLOWED, observed(inferenceService={"name": "server"}))
    assert found.target.is_available
    assert found.target.progress == "Ready is True"
    assert cluster.asked == ["InferenceService object-detect/server"]


async def test_ready_from_before_counts_with_a_ready_pod_that_runs_the_image():
    """KServe may have seen nothing of the new image yet, or Ready was True all the time."""
    found = service(**STALE)
    assert not (await read(found)).is_available
    assert not (await read(found, ready_pod("old"))).is_available
    assert not (await read(found, ready_pod(conditions=[]))).is_available
    assert (await read(found, ready_pod())).is_available
    assert not (await read(service("False", at=EARLIER), ready_pod())).is_available


@pytest.mark.parametrize("time", ["", "yesterday", "2026-01-01T00:00:00", rfc3339(START)])
async def test_a_time_that_says_nothing_is_no_proof(time: str):
    assert not (await read(service("True", at=time))).is_available


async def test_a_revision_that_is_not_the_newest_is_not_enough():
    found = service("True", created="server-predictor-00002")
    assert not (await read(found, ready_pod())).is_available
    assert (await read(found)).progress == "Ready is True, but of an older revision"
    assert (await read(service("True", created="server-predictor-00001"))).is_available


async def test_its_deadline_counts_if_it_is_of_this_image():
    exceeded = {"status": "False", "reason": "ProgressDeadlineExceeded"}
    assert (await read(service(**exceeded))).is_stuck
    assert not (await read(service(at=EARLIER, **exceeded))).is_stuck
    assert (await read(service(**exceeded))).progress == "Ready is False (ProgressDeadlineExceeded)"


async def test_the_predictors_pod_speaks_and_without_one_kserve_does():
    found = service("False", message="Revision failed:\nlogin https://user:hunter2@host/")
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "a\nno model\n"}}
    crashing = pod("p-2", IMAGE, "2026-01-02T00:00:00Z", state=ended)
    cluster = Cluster(found, crashing)
    target = (await with_target(cluster, ALLOWED, observed(inferenceService={"name": "server"}))).target
    assert target.said == "Pod p-2, container main: exit code 3, Error: no model"
    assert cluster.asked[-1] == SELECTOR
    assert (await read(found)).said.startswith("Revision failed: login https://")
    assert "hunter2" not in (await read(found)).said


async def test_an_invalid_spec_is_told_by_the_model():
    found = service("True", at=EARLIER)
    found["status"]["modelStatus"] = {"lastFailureInfo": {"message": "Waiting for runtime to become available"}}
    assert (await read(found)).said == "Waiting for runtime to become available"


async def test_a_custom_predictor_has_no_image_that_could_be_applied():
    found = SERVICE | {"spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "old"}]}}}
    target = await read(found)
    assert target.image is None
    assert "has no spec.predictor.model" in target.lacks


@pytest.mark.parametrize(
    ("spec", "image"),
    [
        ({}, None),
        ({"predictor": "x"}, None),
        ({"predictor": {"model": {}}}, ""),
        ({"predictor": {"model": {"image": ["x"]}}}, ""),
        ("x", None),
    ],
)
async def test_what_no_schema_has_checked_is_read_too(spec: Any, image: str | None):
    """KServe's minimal CRD admits everything."""
    status = {"conditions": [1, {"type": 2}, {"type": "Ready", "status": "True", "message": {}}], "components": "x"}
    target = await read(SERVICE | {"spec": spec, "status": status})
    assert target.image == image
    assert not target.is_available
