"""The cluster, as the kubeconfig names it. The Kubernetes client is imported here alone: it takes half a second."""

import http
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import urllib3
from kubernetes import client, config

from inference_image_operator.api import GROUP, PLURAL, VERSION
from kubectl_inferenceimage.errors import CommandError

Object = dict[str, Any]
FIELD_MANAGER = "kubectl-inferenceimage"
LOG_LINES = 200
_TIMEOUT = 30


class Cluster:
    """Reads and writes in one namespace. Every method raises CommandError."""

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self._images = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)
        self._batch = client.BatchV1Api(api)

    def image(self, name: str) -> Object:
        """The InferenceImage."""
        with _explained(f"read InferenceImage {self.namespace}/{name}"):
            found = self._images.get_namespaced_custom_object(
                GROUP, VERSION, self.namespace, PLURAL, name, _request_timeout=_TIMEOUT
            )
        return cast("Object", found)

    def patch(self, name: str, body: Object) -> None:
        """Merges fields into the InferenceImage."""
        with _explained(f"change InferenceImage {self.namespace}/{name}"):
            self._images.patch_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                PLURAL,
                name,
                body,
                field_manager=FIELD_MANAGER,
                _request_timeout=_TIMEOUT,
            )

    def jobs(self, uid: str) -> list[Object]:
        """The Jobs of the InferenceImage with this UID, the oldest first."""
        with _explained(f"list the Jobs in {self.namespace}"):
            found = self._batch.list_namespaced_job(
                self.namespace, label_selector=f"{GROUP}/uid={uid}", _request_timeout=_TIMEOUT
            )
        return self._plain(found)

    def pods(self, uid: str) -> list[Object]:
        """The pods of these Jobs, the oldest first."""
        with _explained(f"list the pods in {self.namespace}"):
            found = self._core.list_namespaced_pod(
                self.namespace, label_selector=f"{GROUP}/uid={uid}", _request_timeout=_TIMEOUT
            )
        return self._plain(found)

    def _plain(self, found: object) -> list[Object]:
        """The items of a list as JSON has them, the oldest first."""
        items: list[Object] = self._api.sanitize_for_serialization(found)["items"]  # type: ignore[no-untyped-call]
        return sorted(items, key=_created)

    def log(self, pod: str, container: str) -> str:
        """The last lines of a container's log."""
        with _explained(f"read the log of container {container} of pod {self.namespace}/{pod}"):
            text: str = self._core.read_namespaced_pod_log(
                pod, self.namespace, container=container, tail_lines=LOG_LINES, _request_timeout=_TIMEOUT
            )
        return text


def connect(kubeconfig: str, context: str, namespace: str) -> Cluster:
    """The cluster of a kubeconfig and context; empty for kubectl's. The namespace is the context's if it is empty.

    Raises CommandError.
    """
    try:
        contexts, active = config.list_kube_config_contexts(kubeconfig or None)  # type: ignore[no-untyped-call]
        chosen = next((found for found in contexts if found["name"] == context), None) if context else active
        if chosen is None:
            known = ", ".join(found["name"] for found in contexts)
            raise CommandError(f"The kubeconfig has no context {context}. It has: {known}.")
        api = config.new_client_from_config(kubeconfig or None, chosen["name"])  # type: ignore[no-untyped-call]
    except config.ConfigException as error:
        raise CommandError(f"{error} Set KUBECONFIG or --kubeconfig to a kubeconfig.") from error
    return Cluster(api, namespace or chosen["context"].get("namespace", "default"))


def _created(found: Object) -> str:
    created: str = found["metadata"]["creationTimestamp"]
    return created


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Errors of the API server become a CommandError that says what was tried."""
    try:
        yield
    except client.ApiException as error:
        if error.status == http.HTTPStatus.FORBIDDEN:
            raise CommandError(f"You may not {what}. Ask for that right in the namespace.") from error
        if error.status == http.HTTPStatus.NOT_FOUND:
            raise CommandError(f"Cannot {what}: it does not exist.") from error
        raise CommandError(f"Cannot {what}: the API server says {error.status} {error.reason}.") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise CommandError(f"Cannot {what}: the API server does not answer. {error}") from error
