"""`spec.rollout` on a real control plane with the Deployment controllers. The test plays the kubelet."""

from typing import Any

import msgspec
import pytest

from inference_image_operator.api.stages import Stage
from tests.loop.api import Object, container_status
from tests.loop.conftest import Operator, started
from tests.loop.pipeline import Pipeline
from tests.support.world import DIGEST, RESULTS, SPEC

REPOSITORY = SPEC["image"]["repository"]
NEWER, WORSE = (f"sha256:{digit * 64}" for digit in "ef")
NAME = "server"
OLD = "registry.test/server:v1"


def reference(digest: str) -> str:
    return f"{REPOSITORY}@{digest}"


@pytest.fixture
def operator(plane, api, namespace, tmp_path):
    """An installation that allows every kind."""
    allowed = ["Deployment", "InferenceService", "ConfigMap"]
    with started(Operator(plane, api, namespace, tmp_path, rollout={"allowed": allowed})) as found:
        yield found


class Serving:
    """A Deployment with one replica and its pods."""

    def __init__(self, api, pipeline: Pipeline) -> None:
        self._api, self._pipeline = api, pipeline
        self.path = f"/apis/apps/v1/namespaces/{pipeline.namespace}/deployments/{NAME}"
        self._pods = f"/api/v1/namespaces/{pipeline.namespace}/pods"

    deadline = 600

    def apply(self, image: str = "", manager: str = "team", **annotations: str) -> Object:
        container = {"name": "main"} | ({"image": image} if image else {})
        metadata = {"labels": {"app": NAME}}
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME, "annotations": annotations},
            "spec": {
                "progressDeadlineSeconds": self.deadline,
                "selector": {"matchLabels": {"app": NAME}},
                "template": {"metadata": metadata, "spec": {"containers": [container]}},
            },
        }
        query = f"?fieldManager={manager}&force=true"
        return self._api.request("PATCH", self.path + query, body, "application/apply-patch+yaml")

    @property
    def image(self) -> str:
        return self._api.get(self.path)["spec"]["template"]["spec"]["containers"][0]["image"]

    @property
    def replicas(self) -> int:
        """The specified number, with which the pods of the ReplicaSet controller agree."""
        return self._api.get(self.path)["spec"]["replicas"]

    def pod(self, image: str) -> Object:
        def find() -> Object | None:
            items = self._api.get(f"{self._pods}?labelSelector=app={NAME}")["items"]
            return next((pod for pod in items if pod["spec"]["containers"][0]["image"] == image), None)

        return self._pipeline.until(f"a pod with {image}", find)

    def starts(self, image: str) -> None:
        """The pod with this image becomes Ready."""
        now = self._api.get(self.path)["metadata"]["creationTimestamp"]
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        self._write(self.pod(image), {"phase": "Running", "conditions": [ready]})

    def crashes(self, image: str, message: str) -> None:
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": message}}
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
        status = container_status("main", waiting, restartCount=3, lastState=ended)
        self._write(self.pod(image), {"containerStatuses": [status]})

    def _write(self, pod: Object, status: dict[str, Any]) -> None:
        self._api.merge(f"{self._pods}/{pod['metadata']['name']}/status", {"status": status})


@pytest.fixture
def serving(api, pipeline) -> Serving:
    pipeline.spec["rollout"] = {"deployment": {"name": NAME, "container": "main"}, "timeout": "1h"}
    return Serving(api, pipeline)


def agreed(pipeline: Pipeline) -> dict[str, str]:
    return {"uai.ucloud.cn/rollout-from": pipeline.name}


def publish(pipeline: Pipeline, digest: str, **rollout: str) -> None:
    """A run after an edit publishes this digest."""
    pipeline.spec["image"]["tags"] = [digest[-8:]]
    pipeline.spec["rollout"] |= rollout
    pipeline.apply()
    for stage in Stage:
        plain = RESULTS[stage]
        changes = {"inputs_hash": digest} if stage is Stage.RESOLVE else {}
        changes |= {"digest": digest} if hasattr(plain, "digest") else {}
        pipeline.finish(stage, msgspec.structs.replace(plain, **changes))
    pipeline.until("it is published", lambda: pipeline.image["status"].get("image", {}).get("digest") == digest)


def said(pipeline: Pipeline) -> str:
    """The message of RolledOut."""
    return next(c["message"] for c in pipeline.image["status"]["conditions"] if c["type"] == "RolledOut")


def until_taken_back(pipeline: Pipeline, words: str) -> None:
    """The status has these words of the pod. Then the time is up, and the operator takes the image back."""
    pipeline.until("the status has the pod's words", lambda: words in said(pipeline))
    pipeline.spec["rollout"]["timeout"] = "2s"
    pipeline.apply()
    pipeline.until_condition("RolledOut", "False", "RolledBack")


def test_an_image_is_rolled_out_the_next_one_too_and_a_broken_one_is_taken_back(pipeline, serving, operator):
    serving.apply(reference(DIGEST), **agreed(pipeline))
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "Unknown", "RollingOut")
    serving.starts(reference(DIGEST))
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    serving.apply(**agreed(pipeline))  # without the image: from here on the operator alone owns the field
    assert serving.image == reference(DIGEST)

    publish(pipeline, NEWER)
    pipeline.until("the target has the newer image", lambda: serving.image == reference(NEWER))
    operator.kill()
    serving.starts(reference(NEWER))
    operator.start()
    pipeline.until("it is rolled out", lambda: pipeline.image["status"]["rollout"]["image"] == reference(NEWER))
    pipeline.until_condition("RolledOut", "True", "RolledOut")

    publish(pipeline, WORSE)
    pipeline.until("the target has the broken image", lambda: serving.image == reference(WORSE))
    serving.crashes(reference(WORSE), "loading\nno such model: /model")
    until_taken_back(pipeline, "no such model")
    assert serving.image == reference(NEWER)
    assert "container main: exit code 1, Error: no such model: /model" in said(pipeline)
    assert pipeline.conditions["Ready"] == ("True", "Published")
    assert pipeline.image["status"]["image"]["digest"] == WORSE
    reasons = [event["reason"] for event in pipeline.events]
    assert {"RollingOut", "RolledOut", "RolledBack"} <= set(reasons)
    # The new scale is the old one: the operator owns the one field alone.
    assert serving.replicas == 1


def test_a_deployment_that_gives_up_gets_its_image_back_before_the_timeout(pipeline, serving):
    serving.apply(reference(DIGEST), **agreed(pipeline))
    publish(pipeline, DIGEST)
    serving.starts(reference(DIGEST))
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    serving.deadline = 2
    serving.apply(**agreed(pipeline))
    publish(pipeline, WORSE)
    pipeline.until_condition("RolledOut", "False", "RolledBack")
    found = next(c for c in pipeline.image["status"]["conditions"] if c["type"] == "RolledOut")
    assert "exceeded its progressDeadlineSeconds" in found["message"]
    assert serving.image == reference(DIGEST)


def test_a_field_of_another_manager_is_not_taken(pipeline, serving):
    serving.apply(OLD, manager="helm", **agreed(pipeline))
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutConflict")
    found = next(c for c in pipeline.image["status"]["conditions"] if c["type"] == "RolledOut")
    assert "The field manager helm owns the image of Deployment/server (main)" in found["message"]
    assert serving.image == OLD
    assert pipeline.conditions["Ready"] == ("True", "Published")
    serving.apply(reference(DIGEST), manager="helm", **agreed(pipeline))
    serving.starts(reference(DIGEST))
    pipeline.until_condition("RolledOut", "True", "RolledOut")


def test_a_deployment_that_does_not_agree_is_left_alone(pipeline, serving):
    serving.apply(OLD, **{"uai.ucloud.cn/rollout-from": "another"})
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutNotAgreed")
    assert serving.image == OLD
    serving.apply(reference(DIGEST), **agreed(pipeline))
    serving.starts(reference(DIGEST))
    pipeline.until_condition("RolledOut", "True", "RolledOut")


def test_a_config_map_gets_the_image(api, pipeline):
    pipeline.spec["rollout"] = {"configMap": {"name": "images"}}
    publish(pipeline, DIGEST)
    pipeline.until_condition("RolledOut", "False", "RolloutTargetNotFound")
    path = f"/api/v1/namespaces/{pipeline.namespace}/configmaps/images"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "images", "annotations": agreed(pipeline)}}
    api.apply(path, body | {"data": {"other": "stays"}})
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    assert api.get(path)["data"] == {"other": "stays", "image": reference(DIGEST)}
    publish(pipeline, NEWER)
    pipeline.until("the newer image is there", lambda: api.get(path)["data"]["image"] == reference(NEWER))


def test_rights_on_targets_are_those_of_the_allowed_kinds(plane, api, namespace, tmp_path, operator):
    targets = {
        "Deployment": ("apps", "deployments"),
        "InferenceService": ("serving.kserve.io", "inferenceservices"),
        "ConfigMap": ("", "configmaps"),
    }
    for allowed in ([], ["ConfigMap"]):
        directory = tmp_path / f"allows-{len(allowed)}"
        directory.mkdir()
        other = Operator(plane, api, namespace, directory, f"allows-{len(allowed)}", rollout={"allowed": allowed})
        for kind, (group, resource) in targets.items():
            for verb in ("get", "patch"):
                asked = {"namespace": namespace, "group": group, "resource": resource, "verb": verb}
                assert api.may(other.user, asked) == (kind in allowed)
                assert api.may(operator.user, asked)
                assert not api.may(operator.user, asked | {"verb": "create"})
