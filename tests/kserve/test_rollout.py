"""`spec.rollout.inferenceService` with KServe itself, which makes the Deployment and says when it is ready."""

from collections.abc import Iterator

import pytest

from tests.loop.api import Api, Object, container_status
from tests.loop.kserve import GROUP, Service
from tests.loop.pipeline import Pipeline
from tests.loop.test_rollout import NEWER, OLD, WORSE, agreed, publish, reference, until_taken_back
from tests.support.world import DIGEST

NAME = Service.name
RUNTIME = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": NAME},
    "spec": {
        "supportedModelFormats": [{"name": NAME}],
        "containers": [{"name": "kserve-container", "image": OLD, "ports": [{"containerPort": 8080}]}],
    },
}


class Deployed(Service):
    """An InferenceService and the pods that KServe's Deployment makes of it. The test plays their kubelet."""

    replicas = 1

    def __init__(self, api: Api, pipeline: Pipeline) -> None:
        super().__init__(api, pipeline)
        self._root = f"{GROUP}/v1alpha1/namespaces/{pipeline.namespace}/servingruntimes"
        self._deployment = f"/apis/apps/v1/namespaces/{pipeline.namespace}/deployments/{NAME}-predictor"

    def define_runtime(self) -> None:
        self._api.request("POST", self._root, RUNTIME)

    def ready(self) -> Object:
        """What KServe says."""
        conditions = self._api.get(self.path).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Ready"), {})

    def deployed(self) -> str:
        """The image of KServe's Deployment; empty without one."""
        found = self._api.find(self._deployment)
        return found["spec"]["template"]["spec"]["containers"][0]["image"] if found else ""

    def running(self, image: str) -> Object | None:
        """A pod with this image; None without one."""
        items = self._api.get(f"{self._pods}?labelSelector=component=predictor")["items"]
        return next((pod for pod in items if pod["spec"]["containers"][0]["image"] == image), None)

    def tell(self, pod: Object, status: Object) -> None:
        self._api.merge(f"{self._pods}/{pod['metadata']['name']}/status", {"status": status})

    def explain(self) -> str:
        return str(self._api.get(self.path)) + str(self._api.find(self._deployment))


@pytest.fixture
def service(api, pipeline, controller) -> Iterator[Deployed]:
    """Prints at the end what KServe has and says, which pytest shows if the test fails."""
    pipeline.spec["rollout"] = {"inferenceService": {"name": NAME}, "timeout": "1h"}
    found = Deployed(api, pipeline)
    yield found
    print(found.explain(), controller.explain(), sep="\n")


def starts(pipeline: Pipeline, service: Deployed, image: str) -> None:
    """KServe's Deployment takes the image, and its pod becomes Ready."""
    pipeline.until(f"KServe deploys {image}", lambda: service.deployed() == image)
    pod = pipeline.until(f"a pod runs {image}", lambda: service.running(image))
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": pod["metadata"]["creationTimestamp"]}
    service.tell(pod, {"phase": "Running", "conditions": [ready]})


def test_kserve_rolls_an_image_out_the_next_one_too_and_takes_a_broken_one_back(pipeline, service):
    service.define_runtime()
    service.apply(reference(DIGEST), **agreed(pipeline))
    publish(pipeline, DIGEST)
    starts(pipeline, service, reference(DIGEST))
    pipeline.until_condition("RolledOut", "True", "RolledOut")
    assert service.ready()["status"] == "True"
    service.apply(**agreed(pipeline))  # without the image: from here on the operator alone owns the field
    assert service.image == reference(DIGEST)

    publish(pipeline, NEWER)
    pipeline.until("KServe deploys the newer image", lambda: service.deployed() == reference(NEWER))
    assert pipeline.conditions["RolledOut"] == ("Unknown", "RollingOut"), "Ready was of the image before"
    starts(pipeline, service, reference(NEWER))
    pipeline.until_condition("RolledOut", "True", "RolledOut")

    publish(pipeline, WORSE)
    pod = pipeline.until("a pod with the broken image", lambda: service.running(reference(WORSE)))
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": "loading\nno such model: /model"}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    crashed = container_status("kserve-container", waiting, restartCount=3, lastState=ended)
    service.tell(pod, {"containerStatuses": [crashed]})
    until_taken_back(pipeline, "no such model")
    assert service.image == reference(NEWER)
    pipeline.until("KServe deploys the image before", lambda: service.deployed() == reference(NEWER))
    assert pipeline.conditions["Ready"] == ("True", "Published")
