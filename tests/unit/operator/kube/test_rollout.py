"""The target of a rollout as the API server has it, and what its refusals mean."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api import RolloutStatus
from inference_image_operator.api.times import rfc3339
from inference_image_operator.config.installation import Rollout
from inference_image_operator.core.decision import ApplyImage
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.kube.rollout import body, refusal, with_target
from inference_image_operator.observed import Observed, Target
from tests.support.world import CONFIG, DIGEST, START, World

ALLOWED = replace(CONFIG, rollout=Rollout(allowed=("Deployment", "InferenceService", "ConfigMap")))
IMAGE = f"uhub.devcluster.test/demo/object-detect-infer@{DIGEST}"
OURS = {"manager": "inference-image-rollout", "operation": "Apply"}
META = {
    "uid": "u",
    "resourceVersion": "7",
    "generation": 3,
    "annotations": {"uai.ucloud.cn/rollout-from": "detector"},
    "managedFields": [{"manager": "inference-image-rollout", "operation": "Update"}],
}
DEPLOYMENT = {
    "metadata": META,
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "server", "a": "b"}},
        "template": {"spec": {"containers": [{"name": "side", "image": "s"}, {"name": "main", "image": "old"}]}},
    },
    "status": {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2},
}
APPLY = ApplyImage(kind="Deployment", name="server", field="main", image=IMAGE, uid="u", resource_version="7")


def pod(name: str, image: str, created: str, **state: Any) -> dict[str, Any]:
    containers = [{"name": "main", "restartCount": 1, **state}]
    return {
        "metadata": {"name": name, "uid": name, "creationTimestamp": created},
        "spec": {"containers": [{"name": "main", "image": image}]},
        "status": {"phase": "Running", "containerStatuses": containers},
    }


class Cluster:
    """Has a target and the pods of its selector."""

    def __init__(self, target: Any = None, *pods: Any) -> None:
        self.target, self.pods = target, list(pods)
        self.asked: list[str] = []

    async def get_target(self, kind: str, namespace: str, name: str) -> Any:
        self.asked.append(f"{kind} {namespace}/{name}")
        if isinstance(self.target, Exception):
            raise self.target
        return self.target

    async def list_pods(self, _: str, selector: str) -> Any:
        self.asked.append(selector)
        return self.pods


def observed(**rollout: Any) -> Observed:
    world = World(config=ALLOWED)
    world.spec["rollout"] = rollout or {"deployment": {"name": "server", "container": "main"}}
    world.run_whole()
    state = RolloutStatus(input_hash="", target="", image=IMAGE, phase="Waiting", start_time=START)
    return replace(world.observed(), status=replace(world.status, rollout=state))


async def target_of(found: Any, *pods: Any, **rollout: Any) -> Target | None:
    return (await with_target(Cluster(found, *pods), ALLOWED, observed(**rollout))).target


async def test_a_deployment_is_read():
    target = await target_of(DEPLOYMENT)
    assert target == Target(
        uid="u",
        resource_version="7",
        agrees_with="detector",
        image="old",
        lacks="has no container main; it has side, main.",
        progress="1 of 2 replicas are new, 2 available",
    )


async def test_it_is_the_operators_when_the_operator_has_applied_to_it():
    found = DEPLOYMENT | {"metadata": META | {"managedFields": [OURS]}}
    assert (await target_of(found)).owned


@pytest.mark.parametrize(
    ("changes", "available"),
    [
        ({}, True),
        ({"observedGeneration": 2}, False),
        ({"replicas": 3}, False),
        ({"updatedReplicas": 1}, False),
        ({"availableReplicas": 1}, False),
    ],
    ids=["all", "an old status", "old replicas to end", "old replicas to replace", "new ones that are not available"],
)
async def test_a_deployment_is_available_when_all_replicas_are_new_and_available(changes: Any, available: Any):
    found = copy.deepcopy(DEPLOYMENT)
    found["status"] = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2} | changes
    assert (await target_of(found)).is_available == available


async def test_a_deployment_without_the_container_names_those_that_it_has():
    found = await target_of(DEPLOYMENT, deployment={"name": "server", "container": "other"})
    assert (found.image, found.lacks) == (None, "has no container other; it has side, main.")


async def test_a_deployment_that_has_no_status_yet_is_not_available():
    found = DEPLOYMENT | {"status": {}}
    assert not (await target_of(found)).is_available


async def test_its_own_deadline_counts_when_its_status_is_current():
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    condition["lastTransitionTime"] = rfc3339(START)
    found = copy.deepcopy(DEPLOYMENT)
    found["status"]["conditions"] = [condition]
    assert (await target_of(found)).is_stuck
    condition["lastTransitionTime"] = rfc3339(START - timedelta(seconds=1))  # of the image before
    assert not (await target_of(found)).is_stuck
    condition["lastTransitionTime"] = rfc3339(START)
    found["status"]["observedGeneration"] = 2
    assert not (await target_of(found)).is_stuck


async def test_the_newest_pod_with_the_image_speaks():
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "message": "a\nno model\n"}}
    crashing = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}, "lastState": ended}
    pods = (
        pod("p-1", IMAGE, "2026-01-01T00:00:00Z"),
        pod("p-2", IMAGE, "2026-01-02T00:00:00Z", **crashing),
        pod("p-3", "old", "2026-01-03T00:00:00Z"),
    )
    cluster = Cluster(DEPLOYMENT, *pods)
    found = await with_target(cluster, ALLOWED, observed())
    assert found.target.said == "Pod p-2, container main: exit code 3, Error: no model"
    assert cluster.asked == ["Deployment object-detect/server", "a=b,app=server"]


async def test_a_refused_pod_speaks_through_its_deployment():
    found = copy.deepcopy(DEPLOYMENT)
    found["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]
    assert (await target_of(found)).said == "exceeded quota"


async def test_a_config_map_is_read():
    found = {"metadata": META, "data": {"image": "old"}}
    assert (await target_of(found, configMap={"name": "images"})).image == "old"
    assert (await target_of({"metadata": META}, configMap={"name": "images"})).image == ""


async def test_what_is_not_there_not_allowed_or_not_needed():
    gone = await with_target(Cluster(), ALLOWED, observed())
    assert (gone.target_read, gone.target) == (True, None)
    cluster = Cluster(DEPLOYMENT)
    assert not (await with_target(cluster, CONFIG, observed())).target_read
    assert cluster.asked == []
    service = observed(inferenceService={"name": "server"})
    missing = await with_target(Cluster(ApiError(404, "", "404 page not found")), ALLOWED, service)
    assert missing.target_refusal.reason == Reason.ROLLOUT_KIND_NOT_SERVED
    assert "serves no inferenceservices of serving.kserve.io/v1beta1. Install KServe" in missing.target_refusal.message
    refused = await with_target(Cluster(ApiError(403, "Forbidden", "no right")), ALLOWED, observed())
    assert (refused.target_refusal.reason, refused.target_refusal.message) == (Reason.FORBIDDEN, "no right")
    with pytest.raises(ApiError):
        await with_target(Cluster(ApiError(500, "", "")), ALLOWED, observed())


def test_only_the_image_of_the_target_as_it_was_read_is_applied():
    metadata = {"name": "server", "namespace": "n", "uid": "u", "resourceVersion": "7"}
    containers = [{"name": "main", "image": IMAGE}]
    spec = {"template": {"spec": {"containers": containers}}}
    assert body("n", APPLY) == {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    key = replace(APPLY, kind="ConfigMap", field="image")
    assert body("n", key) == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"image": IMAGE}}
    head = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": metadata}
    service = replace(APPLY, kind="InferenceService", field="spec.predictor.model.image")
    assert body("n", service) == head | {"spec": {"predictor": {"model": {"image": IMAGE}}}}


CONFLICT = (
    'Apply failed with 2 conflicts: conflicts with "helm" using apps/v1:\n- .spec.x\nconflicts with "kubectl-set" with '
    'subresource "scale" using apps/v1:\n- .spec.y'
)


@pytest.mark.parametrize(
    ("status", "message", "reason", "text"),
    [
        (
            409,
            'Apply failed with 1 conflict: conflict with "helm" using apps/v1: .x',
            "RolloutConflict",
            "manager helm",
        ),
        (409, CONFLICT, "RolloutConflict", "managers helm, kubectl-set"),
        (403, "no right", "RolloutRefused", "refuses the image of Deployment/server: no right"),
        (422, "invalid", "RolloutRefused", "invalid"),
    ],
)
def test_a_refusal_names_who_has_to_act(status: int, message: str, reason: str, text: str):
    found = refusal(APPLY, ApiError(status, "", message))
    assert found.reason == reason
    assert text in found.message


def test_the_minimal_crd_of_kserve_is_named_when_it_makes_the_spec_one_field():
    service = replace(APPLY, kind="InferenceService", field="spec.predictor.model.image")
    message = 'Apply failed with 1 conflict: conflict with "helm" using serving.kserve.io/v1beta1: .spec'
    found = refusal(service, ApiError(409, "Conflict", message))
    assert found.reason == "RolloutConflict"
    assert "owns the whole spec of InferenceService/server: it is one field in KServe's minimal CRD" in found.message
    assert "Install KServe's full CRD, or use spec.rollout.configMap." in found.message
    field = refusal(service, ApiError(409, "Conflict", f"{message}.predictor.model.image"))
    assert "owns the image of InferenceService/server (spec.predictor.model.image)" in field.message


@pytest.mark.parametrize(
    ("status", "message"), [(409, "the object has been modified"), (500, "etcd"), (0, "no answer")]
)
def test_what_passes_by_itself_is_no_refusal(status: int, message: str):
    assert refusal(APPLY, ApiError(status, "Conflict", message)) is None
