"""`spec.rollout.inferenceService` with KServe itself, which makes the Deployment and says when it is ready."""

from collections.abc import Iterator

import pytest

from tests.loop.api import Api, Object, container_status
from tests.loop.kserve import GROUP
from tests.loop.test_rollout import NEWER, OLD, WORSE, agreed, publish, reference
from tests.support.world import DIGEST

NAME = "detector"
RUNTIME = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "ServingRuntime",
    "metadata": {"name": NAME},
    "spec": {
        "supportedModelFormats": [{"name": NAME}],
        "containers": [{"name": "kserve-container", "image": OLD, "ports": [{"containerPort": 8080}]}],
    },
}


class Service:
    """An InferenceService and the pods that KServe's Deployment makes of it. The test plays their kubelet."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._root = f"{GROUP}/v1alpha1/namespaces/{namespace}/servingruntimes"
        self._path = f"{GROUP}/v1beta1/namespaces/{namespace}/inferenceservices/{NAME}"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/{NAME}-predictor"

    def define_runtime(self) -> None:
        self._api.request("POST", self._root, RUNTIME)

    def apply(self, image: str = "", **annotations: str) -> None:
        """What the team owns: all but the image, if none is given."""
        model = {"modelFormat": {"name": NAME}, "runtime": NAME} | ({"image": image} if image else {})
        body = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": NAME, "annotations": annotations},
            "spec": {"predictor": {"model": model}},
        }
        query = "?fieldManager=team&force=true"
        self._api.request("PATCH", self._path + query, body, "application/apply-patch+yaml")

    @property
    def image(self) -> str:
        return self._api.get(self._path)["spec"]["predictor"]["model"]["image"]

    def ready(self) -> Object:
        """What KServe says."""
        conditions = self._api.get(self._path).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Ready"), {})

    def deployed(self) -> str:
        """The image of KServe's Deployment; empty without one."""
        found = self._api.find(self._deployment)
        return found["spec"]["template"]["spec"]["containers"][0]["image"] if found else ""

    def pod(self, image: str) -> Object | None:
        items = self._api.get(f"{self._pods}?labelSelector=component=predictor")["items"]
        return next((pod for pod in items if pod["spec"]["containers"][0]["image"] == image), None)

    def tell(self, pod: Object, status: Object) -> None:
        self._api.merge(f"{self._pods}/{pod['metadata']['name']}/status", {"status": status})

    def explain(self) -> str:
        return str(self._api.get(self._path)) + str(self._api.find(self._deployment))


@pytest.fixture
def service(api, pipeline, controller) -> Iterator[Service]:
    """Prints at the end what KServe has and says, which pytest shows if the test fails."""
    pipeline.spec["rollout"] = {"inferenceService": {"name": NAME}, "timeout": "1h"}
    found = Service(api, pipeline.namespace)
    yield found
    print(found.explain(), controller.explain(), sep="\n")


def starts(pipeline, service: Service, image: str) -> None:
    """KServe's Deployment takes the image, and its pod becomes Ready."""
    pipeline.until(f"KServe deploys {image}", lambda: service.deployed() == image)
    pod = pipeline.until(f"a pod runs {image}", lambda: service.pod(image))
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
    pod = pipeline.until("a pod with the broken image", lambda: service.pod(reference(WORSE)))
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": "loading\nno such model: /model"}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    crashed = container_status("kserve-container", waiting, restartCount=3, lastState=ended)
    service.tell(pod, {"containerStatuses": [crashed]})
    pipeline.until(
        "the status has the pod's words", lambda: "no such model" in str(pipeline.image["status"]["conditions"])
    )
    pipeline.spec["rollout"]["timeout"] = "2s"
    pipeline.apply()
    pipeline.until_condition("RolledOut", "False", "RolledBack")
    assert service.image == reference(NEWER)
    pipeline.until("KServe deploys the image before", lambda: service.deployed() == reference(NEWER))
    assert pipeline.conditions["Ready"] == ("True", "Published")
