"""The cluster, as the kubeconfig names it."""

import copy
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from kubernetes import client, config

from inference_image_operator.api import API_VERSION, GROUP, PLURAL
from kubectl_inferenceimage.cluster.requests import MERGE, Object, Requests
from kubectl_inferenceimage.errors import CommandError

__all__ = ["Cluster", "Object", "connect", "contexts"]

FIELD_MANAGER = "inference-image-plugin"
"""Flux takes back what a manager has set whose name begins with `kubectl`."""
LOG_LINES = 200
_WATCH_SECONDS = 300
"""How long the API server keeps one watch open; the next one resumes where it ended."""


class Cluster:
    """Reads and writes in one namespace. Every method raises CommandError."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self.requests = Requests(api)
        self.namespace = namespace

    def within(self, namespace: str) -> Self:
        """The same cluster, in another namespace."""
        found = copy.copy(self)
        found.namespace = namespace
        return found

    def image(self, name: str) -> Object:
        """The InferenceImage."""
        return self.requests.send(f"read InferenceImage {self.namespace}/{name}", "GET", self._images(name))

    def images(self, *, everywhere: bool = False) -> list[Object]:
        """The InferenceImages of the namespace, or of all namespaces."""
        if everywhere:
            return self.requests.items("list the InferenceImages of all namespaces", f"/apis/{API_VERSION}/{PLURAL}")
        return self.requests.items(f"list the InferenceImages in {self.namespace}", self._images())

    def changes(self, name: str, version: str) -> AbstractContextManager[Iterator[Object]]:
        """The events of a watch of the InferenceImage since this resourceVersion."""
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        return self.requests.events(f"watch InferenceImage {self.namespace}/{name}", self._images(), query)

    def patch(self, name: str, body: Object) -> None:
        """Merges fields into the InferenceImage."""
        what, manager = f"change InferenceImage {self.namespace}/{name}", {"fieldManager": FIELD_MANAGER}
        self.requests.send(what, "PATCH", self._images(name), manager, body=body, content_type=MERGE)

    def jobs(self, uid: str) -> list[Object]:
        """The Jobs of the InferenceImage with this UID, the oldest first."""
        return self._owned("Jobs", f"/apis/batch/v1/namespaces/{self.namespace}/jobs", uid)

    def delete_job(self, name: str, uid: str) -> None:
        """Deletes a Job with its pods, if it still has this UID."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}"
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        self.requests.send(f"delete Job {self.namespace}/{name}", "DELETE", path, body=body)

    def pods(self, uid: str) -> list[Object]:
        """The pods of these Jobs, the oldest first."""
        return self._owned("pods", f"/api/v1/namespaces/{self.namespace}/pods", uid)

    def pod(self, name: str) -> Object:
        """A pod."""
        return self.requests.send(f"read pod {self.namespace}/{name}", "GET", self._pods(name))

    def create_pod(self, document: Object) -> str:
        """Creates a pod. Returns the name that the API server gave it."""
        found = self.requests.send(f"create a pod in {self.namespace}", "POST", self._pods(), body=document)
        name: str = found["metadata"]["name"]
        return name

    def delete_pod(self, name: str) -> None:
        """Deletes a pod."""
        self.requests.send(f"delete pod {self.namespace}/{name}", "DELETE", self._pods(name))

    def ask_pod(self, method: str, place: str, path: str, body: bytes = b"") -> Any:  # noqa: ANN401 - any JSON
        """What the program of a pod (`NAME:PORT`) answers: JSON, or text."""
        what = f"ask {path} of pod {self.namespace}/{place} through the API server"
        text = self.requests.exchange(what, method, f"{self._pods(place)}/proxy{path}", body)
        try:
            return json.loads(text)
        except ValueError:
            return text

    def log(self, pod: str, container: str, tail: int = LOG_LINES) -> str:
        """The last lines of a container's log; below 0 all of them."""
        return self.requests.text(*self._log(pod, container, tail))

    def stream(self, pod: str, container: str, tail: int, since: str) -> AbstractContextManager[Iterator[str]]:
        """The same as it is written, each line behind its time; from the second of `since` on, if it is a time."""
        what, path, query = self._log(pod, container, tail)
        more = {"follow": "true", "timestamps": "true"} | ({"sinceTime": since} if since else {})
        return self.requests.lines(what, path, query | more)

    def _log(self, pod: str, container: str, tail: int) -> tuple[str, str, dict[str, str]]:
        """What is read, its path and its query."""
        what = f"read the log of container {container} of pod {self.namespace}/{pod}"
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        return what, path, {"container": container} | ({"tailLines": str(tail)} if tail >= 0 else {})

    def _images(self, name: str = "") -> str:
        every = f"/apis/{API_VERSION}/namespaces/{self.namespace}/{PLURAL}"
        return f"{every}/{name}" if name else every

    def _pods(self, name: str = "") -> str:
        every = f"/api/v1/namespaces/{self.namespace}/pods"
        return f"{every}/{name}" if name else every

    def _owned(self, kind: str, path: str, uid: str) -> list[Object]:
        selector = {"labelSelector": f"{GROUP}/uid={uid}"}
        return sorted(self.requests.items(f"list the {kind} in {self.namespace}", path, selector), key=_created)


def connect(kubeconfig: str, context: str, namespace: str) -> Cluster:
    """The cluster of a kubeconfig and context; empty for kubectl's. The namespace is the context's if it is empty.

    Raises CommandError.
    """
    with _explained():
        every, active = config.list_kube_config_contexts(kubeconfig or None)  # type: ignore[no-untyped-call]
        chosen = next((found for found in every if found["name"] == context), None) if context else active
        if chosen is None:
            known = ", ".join(found["name"] for found in every)
            raise CommandError(f"The kubeconfig has no context {context}. It has: {known}.")
        api = config.new_client_from_config(kubeconfig or None, chosen["name"])  # type: ignore[no-untyped-call]
    return Cluster(api, namespace or chosen["context"].get("namespace", "default"))


def contexts(kubeconfig: str) -> list[str]:
    """The names of the contexts of a kubeconfig; empty for kubectl's. Raises CommandError."""
    with _explained():
        every, _ = config.list_kube_config_contexts(kubeconfig or None)  # type: ignore[no-untyped-call]
        return [found["name"] for found in every]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except config.ConfigException as error:
        raise CommandError(f"{error} Set KUBECONFIG or --kubeconfig to a kubeconfig.") from error


def _created(found: Object) -> str:
    created: str = found["metadata"]["creationTimestamp"]
    return created
