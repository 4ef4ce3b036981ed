"""KServe's real CRDs on the API server, from its Go module; nothing of it is in this repository.

The test writes the status. tests/kserve has the controller too.
"""

import functools
from datetime import timedelta
from typing import Any

import yaml

from devcluster import binaries
from inference_image_operator.api.times import parse, rfc3339
from tests.loop.api import Api, Object, wait_for
from tests.loop.pipeline import Pipeline

MODULE = "github.com/kserve/kserve"
GROUP = "/apis/serving.kserve.io"
FULL, MINIMAL = "full", "minimal"
"""KServe has each CRD twice: with a schema, and without one, in which the spec is one field."""
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVICES, RUNTIMES = {"inferenceservices": "v1beta1"}, {"servingruntimes": "v1alpha1"}
"""Plurals, each with its version. A CRD of a megabyte takes the API server some seconds."""
_LABELS = {"component": "predictor", "serving.kserve.io/inferenceservice": "detector"}


@functools.cache
def _definition(variant: str, plural: str) -> Object:
    path = binaries.module("kserve", MODULE) / "config" / "crd" / variant / f"serving.kserve.io_{plural}.yaml"
    return yaml.load(path.read_text(), yaml.CSafeLoader)


class KServe:
    """Which of its CRDs the API server has."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._variant = ""

    def install(self, variant: str) -> None:
        if self._variant == variant:
            return
        self.remove()
        self.define(variant, SERVICES)
        self._variant = variant

    def define(self, variant: str, versions: dict[str, str]) -> None:
        for plural, version in versions.items():
            self._api.request("POST", _DEFINITIONS, _definition(variant, plural))
            self._api.until_served(f"{GROUP}/{version}", plural)

    def remove(self) -> None:
        self._variant = ""
        for plural, version in SERVICES.items():
            name = f"{_DEFINITIONS}/{plural}.serving.kserve.io"
            self._api.send("DELETE", name)
            for path in (name, f"{GROUP}/{version}/{plural}"):
                wait_for(f"{plural} are gone", lambda path=path: self._api.find(path) is None)


class Service:
    """An InferenceService, as a team applies it and as KServe's controller would write its status."""

    name = "detector"
    replicas = 2

    def __init__(self, api: Api, pipeline: Pipeline) -> None:
        self._api, self._pipeline = api, pipeline
        self.path = f"{GROUP}/v1beta1/namespaces/{pipeline.namespace}/inferenceservices/{self.name}"
        self._pods = f"/api/v1/namespaces/{pipeline.namespace}/pods"

    def apply(self, image: str = "", manager: str = "team", predictor: Any = None, **annotations: str) -> Object:
        model = {"modelFormat": {"name": "detector"}, "runtime": "detector"} | ({"image": image} if image else {})
        body = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": self.name, "annotations": annotations},
            "spec": {"predictor": predictor or {"minReplicas": self.replicas, "model": model}},
        }
        query = f"?fieldManager={manager}&force=true"
        return self._api.request("PATCH", self.path + query, body, "application/apply-patch+yaml")

    @property
    def predictor(self) -> Object:
        return self._api.get(self.path)["spec"]["predictor"]

    @property
    def image(self) -> str:
        return self.predictor["model"]["image"]

    def owned_by(self, manager: str) -> Any:
        """The fields of the spec that this manager has applied."""
        fields = self._api.get(self.path)["metadata"]["managedFields"]
        return next(
            (f["fieldsV1"]["f:spec"] for f in fields if f["manager"] == manager and f["operation"] == "Apply"), None
        )

    def becomes_ready(self) -> None:
        """Ready turns True after the image was set."""
        started = parse(self._pipeline.image["status"]["rollout"]["startTime"])
        self._tell("True", rfc3339(started + timedelta(seconds=1)))

    def _tell(self, ready: str, time: str, reason: str = "") -> None:
        condition = {"type": "Ready", "status": ready, "reason": reason, "lastTransitionTime": time}
        status = {"observedGeneration": 1, "conditions": [condition]}
        self._api.merge(f"{self.path}/status", {"status": status})

    def pod(self, image: str, **status: Any) -> None:
        """A pod of the predictor, with this status."""
        container = {"name": "kserve-container", "image": image}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "detector-", "labels": _LABELS}}
        found = self._api.request("POST", self._pods, body | {"spec": {"containers": [container]}})
        self._api.merge(f"{self._pods}/{found['metadata']['name']}/status", {"status": status})
