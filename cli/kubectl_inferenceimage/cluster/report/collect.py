"""Reads what goes into a report, each part with its own rights. Never a Secret, never a ConfigMap."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from inference_image_contract import __version__
from kubectl_inferenceimage.cluster.check.deployments import SELECTOR, operators
from kubectl_inferenceimage.cluster.connection import Cluster, Object
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
        for image in [self._cluster.image(name)] if name else self._cluster.images():
            yield from self._object(image)
        for deployment in self._operators():
            yield from self._operator(deployment)

    def _versions(self) -> Object:
        try:
            server: Object | str = self._cluster.requests.send("read the API server's version", "GET", "/version")
        except CommandError as error:
            server = str(error)
        return {"plugin": __version__, "apiServer": server}

    def _object(self, image: Object) -> Iterator[Part]:
        meta, place = image["metadata"], f"namespaces/{self._cluster.namespace}"
        name, selector = meta["name"], {"labelSelector": f"uai.ucloud.cn/uid={meta['uid']}"}
        yield Part(f"{name}/inferenceimage.yaml", image)
        jobs = self._items(f"list the Jobs in {self._cluster.namespace}", f"/apis/batch/v1/{place}/jobs", selector)
        pods = self._items(f"list the pods in {self._cluster.namespace}", f"/api/v1/{place}/pods", selector)
        for kind, found in (("jobs", jobs), ("pods", pods)):
            yield from (Part(f"{name}/{kind}/{item['metadata']['name']}.yaml", item) for item in found)
        about = {item["metadata"]["uid"] for item in (image, *jobs, *pods)}
        events = self._items(f"list the Events in {self._cluster.namespace}", f"/api/v1/{place}/events", {})
        yield Part(f"{name}/events.yaml", [item for item in events if item["involvedObject"].get("uid") in about])
        for pod in pods:
            yield from self._logs(self._cluster.namespace, pod, f"{name}/logs")

    def _operators(self) -> list[Object]:
        try:
            return operators(self._cluster)[0]
        except CommandError as error:
            self.missing.append(str(error))
            return []

    def _operator(self, deployment: Object) -> Iterator[Part]:
        """A Deployment of the operator, and the tails of its logs."""
        namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
        yield Part(f"operator/{namespace}.{name}.yaml", deployment)
        for pod in self._items(f"list the pods in {namespace}", f"/api/v1/namespaces/{namespace}/pods", SELECTOR):
            yield from self._logs(namespace, pod, "operator/logs")

    def _logs(self, namespace: str, pod: Object, folder: str) -> Iterator[Part]:
        """The tails of the logs of a pod's containers."""
        spec, pod_name = pod["spec"], pod["metadata"]["name"]
        for container in (*(spec.get("initContainers") or []), *spec["containers"]):
            path = f"/api/v1/namespaces/{namespace}/pods/{pod_name}/log"
            what = f"read the log of container {container['name']} of pod {namespace}/{pod_name}"
            try:
                text = self._cluster.requests.text(what, path, _TAIL | {"container": container["name"]})
            except CommandError as error:
                self.missing.append(str(error))
            else:
                yield Part(f"{folder}/{pod_name}.{container['name']}.log", text)

    def _items(self, what: str, path: str, query: Mapping[str, str]) -> list[Object]:
        try:
            return self._cluster.requests.items(what, path, query)
        except CommandError as error:
            self.missing.append(str(error))
            return []
