"""Reads what goes into a report, each part with its own rights. Never a Secret, never a ConfigMap."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from inference_image_contract import __version__
from kubectl_inferenceimage.cluster.check.deployments import SELECTOR, operators
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import containers
from kubectl_inferenceimage.errors import CommandError

_TAIL = {"tailLines": "500", "limitBytes": str(256 * 1024)}


class Part(NamedTuple):
    """A file of the report."""

    path: str
    content: Object | list[Object] | str


class Collector:
    """Reads the parts, and remembers what could not be read."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.missing: list[str] = []
        """Sentences."""

    def parts(self, name: str) -> Iterator[Part]:
        """Everything about one object, or, with an empty name, about all of the namespace.

        Raises CommandError if not even the object can be read.
        """
        yield Part("versions.yaml", self._versions())
        images = [self._cluster.image(name)] if name else self._cluster.images()
        namespace = self._cluster.namespace
        events = self._items(f"list the Events in {namespace}", f"/api/v1/namespaces/{namespace}/events", {})
        for image in images:
            yield from self._object(image, events)
        for deployment in self._readable(lambda: operators(self._cluster)[0]):
            yield from self._operator(deployment)

    def _versions(self) -> Object:
        try:
            server: Object | str = self._cluster.requests.send("read the API server's version", "GET", "/version")
        except CommandError as error:
            server = str(error)
        return {"plugin": __version__, "apiServer": server}

    def _object(self, image: Object, events: list[Object]) -> Iterator[Part]:
        name, uid = image["metadata"]["name"], image["metadata"]["uid"]
        yield Part(f"{name}/inferenceimage.yaml", image)
        jobs = self._readable(partial(self._cluster.jobs, uid))
        pods = self._readable(partial(self._cluster.pods, uid))
        for kind, found in (("jobs", jobs), ("pods", pods)):
            yield from (Part(f"{name}/{kind}/{item['metadata']['name']}.yaml", item) for item in found)
        about = {item["metadata"]["uid"] for item in (image, *jobs, *pods)}
        yield Part(f"{name}/events.yaml", [item for item in events if item["involvedObject"].get("uid") in about])
        for pod in pods:
            yield from self._logs(self._cluster.namespace, pod, f"{name}/logs")

    def _operator(self, deployment: Object) -> Iterator[Part]:
        """A Deployment of the operator, and the tails of its logs."""
        namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        yield Part(f"operator/{namespace}.{name}.yaml", deployment)
        for pod in self._items(f"list the pods in {namespace}", f"/api/v1/namespaces/{namespace}/pods", SELECTOR):
            yield from self._logs(namespace, pod, "operator/logs")

    def _logs(self, namespace: str, pod: Object, folder: str) -> Iterator[Part]:
        """The tails of the logs of a pod's containers."""
        pod_name = pod["metadata"]["name"]
        for container in containers(pod):
            path = f"/api/v1/namespaces/{namespace}/pods/{pod_name}/log"
            what = f"read the log of container {container['name']} of pod {namespace}/{pod_name}"
            try:
                text = self._cluster.requests.text(what, path, _TAIL | {"container": container["name"]})
            except CommandError as error:
                self.missing.append(str(error))
            else:
                yield Part(f"{folder}/{pod_name}.{container['name']}.log", text)

    def _items(self, what: str, path: str, query: Mapping[str, str]) -> list[Object]:
        return self._readable(partial(self._cluster.requests.items, what, path, query))

    def _readable(self, read: Callable[[], list[Object]]) -> list[Object]:
        """What is read; without the right to it nothing, and a sentence about that."""
        try:
            return read()
        except CommandError as error:
            self.missing.append(str(error))
            return []
