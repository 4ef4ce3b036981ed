"""A real API server with the CRD, and a client that sends manifests."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, watch

from devcluster import versions
from devcluster.binaries import HELM, ensure
from devcluster.controlplane import ControlPlane, control_plane
from inference_image_operator.api import GROUP, PLURAL, VERSION
from tests.loop.api import Api

CRD = Path(__file__).parents[2] / "crds" / "inferenceimages.uai.ucloud.cn.yaml"
CHART = Path(__file__).parents[2] / "deploy" / "helm"
NAMESPACE = "default"

MINIMAL = {
    "apiVersion": "uai.ucloud.cn/v1alpha1",
    "kind": "InferenceImage",
    "metadata": {"name": "object-detect"},
    "spec": {
        "ufile": {"bucket": "uai-demo", "region": "cn-bj", "secretRef": {"name": "ufile"}},
        "model": {
            "prefix": "uai/object-train-output/",
            "checkpoint": {"step": 200000},
            "labelMap": "uai/object-prep-output/label_map.pbtxt",
        },
        "source": {"ufile": {"prefix": "uai/object-detect/"}},
        "image": {"repository": "uhub.ucloud.cn/demo/object-detect-infer", "tags": ["test"]},
    },
}


LONGER = "may not be longer than"
"""Kubernetes 1.30's message for a text that is too long; later versions use MORE."""
MORE = "may not be more than"


class RefusedError(Exception):
    """The API server rejected a manifest; `causes` are (field, message), in the words of the newest version."""

    def __init__(self, error: client.ApiException) -> None:
        status = json.loads(error.body)
        super().__init__(status["message"])
        causes = status.get("details", {}).get("causes", [])
        self.causes = [(cause.get("field", ""), cause["message"].replace(LONGER, MORE)) for cause in causes]


class Server:
    """Sends manifests to the API server."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._objects = client.CustomObjectsApi(api_client)

    def create(self, manifest: dict[str, Any], *, dry_run: bool = True) -> dict[str, Any]:
        """Creates a manifest and returns the stored object; raises RefusedError."""
        options = {"dry_run": "All"} if dry_run else {}
        try:
            return self._objects.create_namespaced_custom_object(
                GROUP, VERSION, NAMESPACE, PLURAL, manifest, field_validation="Strict", **options
            )
        except client.ApiException as error:
            if error.status not in {400, 422}:
                raise
            raise RefusedError(error) from error

    def read(self, name: str) -> dict[str, Any]:
        return self._objects.get_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name)

    def write_status(self, name: str, status: dict[str, Any]) -> dict[str, Any]:
        """Writes a status and nothing else."""
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "InferenceImage", "status": status}
        try:
            return self._objects.patch_namespaced_custom_object_status(GROUP, VERSION, NAMESPACE, PLURAL, name, body)
        except client.ApiException as error:
            raise RefusedError(error) from error

    def delete(self, name: str) -> None:
        self._objects.delete_namespaced_custom_object(GROUP, VERSION, NAMESPACE, PLURAL, name)


def _with(changes: dict[str, Any]) -> dict[str, Any]:
    manifest = copy.deepcopy(MINIMAL)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = manifest["spec"]
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return manifest


@pytest.fixture(scope="session")
def crd() -> dict[str, Any]:
    """The CRD's file."""
    return yaml.safe_load(CRD.read_text())


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A new API server."""
    with control_plane(controllers=()) as found:
        yield found


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    """The administrator's connection over plain HTTP."""
    return Api(plane)


@pytest.fixture(scope="session")
def api_client(plane: ControlPlane) -> Iterator[client.ApiClient]:
    """A client with all rights."""
    with config.new_client_from_config(str(plane.kubeconfig)) as found:
        yield found


@pytest.fixture(scope="session")
def server(api_client: client.ApiClient, crd: dict[str, Any]) -> Server:
    """The API server once the CRD is established."""
    definitions = client.ApiextensionsV1Api(api_client)
    definitions.create_custom_resource_definition(crd)
    _await_established(definitions, crd["metadata"]["name"])
    return Server(api_client)


def _await_established(definitions: client.ApiextensionsV1Api, name: str) -> None:
    """Follows the CRD until the API server serves it, for at most 30 s."""
    stream = watch.Watch().stream(
        definitions.list_custom_resource_definition, field_selector=f"metadata.name={name}", timeout_seconds=30
    )
    for event in stream:
        conditions = event["object"].status.conditions or []
        if any(condition.type == "Established" and condition.status == "True" for condition in conditions):
            return
    raise AssertionError("the API server did not establish the CRD within 30 s")


@pytest.fixture(scope="session")
def manifest_with() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The minimal manifest with some fields of the spec (`a.b.c`) set to other values, None for none."""
    return _with


@pytest.fixture(scope="session")
def refused() -> type[RefusedError]:
    """The exception of a rejected manifest."""
    return RefusedError


@pytest.fixture(scope="session")
def helm_template() -> Callable[..., list[dict[str, Any]]]:
    """The objects of the chart with some values set (`a.b=c`), for a namespace."""
    helm = ensure(HELM)["helm"]

    def run(*settings: str, namespace: str) -> list[dict[str, Any]]:
        values = [word for setting in settings for word in ("--set", setting)]
        argv = [str(helm), "template", "--skip-tests", "inference-image-operator", str(CHART), "--namespace", namespace]
        argv += [
            "--kube-version",
            versions.chosen().release,
            "--values",
            str(CHART / "ci" / "test-values.yaml"),
            *values,
        ]
        text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        return [document for document in yaml.safe_load_all(text) if document]

    return run
