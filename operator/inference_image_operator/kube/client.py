"""The Kubernetes API that this operator uses: a few reads and writes of raw JSON, through the official client.

Raw JSON, because typed models of Jobs and pods cost more CPU than the rest of a reconcile.
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec
from kubernetes.aio import client, config

from inference_image_operator.api import API_VERSION, GROUP, KIND, PLURAL, VERSION
from inference_image_operator.api.rollout import Kind
from inference_image_operator.jobs.job import LABEL_MANAGED_BY, MANAGED_BY
from inference_image_operator.kube.cluster import FIELD_MANAGER, ROLLOUT_MANAGER
from inference_image_operator.kube.connection import ApiError, Connection, Object, TooLargeError, api_error
from inference_image_operator.kube.references import References, references
from inference_image_operator.kube.slim import ListMetadata, Slim, SlimEvent, SlimJob, SlimPod, short
from inference_image_operator.kube.targets import TARGETS
from inference_image_operator.kube.ttl_cache import TtlCache

PAGE = 100
"""Objects that one request asks for. If they are too large for one answer, the next request asks for fewer."""
SHARED_SECONDS = 5.0
"""For as long, reconciles share a list: of a namespace's Warnings, which the API server finds by reading all Events,
and of all InferenceImages, which others may have made large."""
MAX_WARNINGS = 500
"""Of a list of Events. Those that are written from now on come through the watch."""

WARNINGS = {"fieldSelector": "type=Warning"}
OURS = {"labelSelector": f"{LABEL_MANAGED_BY}={MANAGED_BY}"}
WATCH_SECONDS = 290

LOG_LINES, LOG_BYTES = "40", "65536"
"""Limits of a log that explains a failure. Its lines can be long."""
LOG_IS_GONE = (
    "unable to retrieve container logs for ",
    "failed to try resolving symlinks in path ",
    "failed to open log file ",
)
"""How the kubelet answers, with status 200, for the log of a container that it has removed or removes just now.

Source: kuberuntime_container.go of Kubernetes, pkg/logs of its cri-client.
"""


T = TypeVar("T")
S = TypeVar("S", bound=Slim)


class _Page(msgspec.Struct, Generic[T]):
    """A part of a list."""

    items: list[T] = []
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


class _Watched(msgspec.Struct):
    """A line of a watch."""

    type: str
    object: msgspec.Raw


class Watch(NamedTuple):
    """What to watch."""

    name: str
    path: Callable[[str], str]
    """The path of its list in a namespace; empty for all."""
    query: dict[str, str]
    decoder: msgspec.json.Decoder[Any]
    pages: "msgspec.json.Decoder[_Page[Any]] | None" = None
    """How its list is decoded, if the objects that exist count as well."""


_IMAGES, _RAW = msgspec.json.Decoder(_Page[dict[str, Any]]), msgspec.json.Decoder(_Page[msgspec.Raw])
_JOBS, _PODS = msgspec.json.Decoder(_Page[SlimJob]), msgspec.json.Decoder(_Page[SlimPod])
_EVENTS = msgspec.json.Decoder(_Page[SlimEvent])
_WATCHED = msgspec.json.Decoder(_Watched)


class KubernetesCluster:
    """The API server, through the official client."""

    def __init__(
        self, api: client.ApiClient, selector: str = "", count: Callable[[str, int], None] = lambda *_: None
    ) -> None:
        self._api = api
        self._selected = {"labelSelector": selector} if selector else {}
        self._connection = Connection(api, count)
        self._warnings = TtlCache(self._fetch_warnings, SHARED_SECONDS)
        self._references = TtlCache(self._fetch_references, SHARED_SECONDS)

    @classmethod
    async def connect(cls, selector: str, count: Callable[[str, int], None]) -> "KubernetesCluster":
        """Connects with the pod's service account or, outside a cluster, with the kubeconfig.

        Only InferenceImages with labels that `selector` selects exist for it; the API server compares them. `count` is
        as in `Connection`.
        """
        await config.load_config()  # type: ignore[no-untyped-call]
        api = client.ApiClient()
        # Proxies of the environment and netrc do not apply to the API server (kopf ignores them too), and reading them
        # costs work in two threads per request. The proxy-url of a kubeconfig still applies.
        api.configuration.client_session_kwargs = {"trust_env": False}
        return cls(api, selector, count)

    async def close(self) -> None:
        """Closes all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def serves_api(self) -> bool:
        """Whether the API server serves InferenceImages; False also if it does not answer."""
        try:
            resources = (await self._request("GET", f"/apis/{GROUP}/{VERSION}", {})).get("resources", [])
        except ApiError:
            return False
        return any(resource.get("name") == PLURAL for resource in resources)

    async def get_inference_image(self, namespace: str, name: str) -> Object | None:
        if self._selected:
            async for found in self._pages(_images(namespace), _named(name) | self._selected, _IMAGES):
                return found | {"apiVersion": API_VERSION, "kind": KIND}
            return None
        return await self._get(_images(namespace, name))

    async def list_inference_images(self, namespace: str) -> AsyncIterator[Object]:
        """The InferenceImages of a namespace (empty for all), page by page."""
        async for item in self._pages(_images(namespace), self._selected, _IMAGES):
            yield item

    async def list_references(self, namespace: str) -> list[References]:
        return await self._references.get(namespace)

    async def _fetch_references(self, namespace: str) -> list[References]:
        return [references(item) async for item in self._pages(_images(namespace), {}, _RAW)]

    async def list_jobs(self, namespace: str, selector: str, name: str = "") -> list[Object]:
        query = {"labelSelector": selector} | (_named(name) if name else {})
        return await self._list(_jobs(namespace), query, _JOBS)

    async def get_job(self, namespace: str, name: str) -> Object | None:
        return await self._get(_jobs(namespace, name))

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        return await self._list(_pods(namespace), {"labelSelector": selector}, _PODS)

    async def read_log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        path = _pods(namespace, pod, "log")
        query = {"container": container, "tailLines": LOG_LINES, "limitBytes": LOG_BYTES}
        try:
            data = await self._connection.send("GET", path, query | ({"previous": "true"} if previous else {}))
        except ApiError:  # for example a lost node or a deleted pod: the failure is reported without the log
            return ""
        text: str = data.decode(errors="replace")
        return "" if text.startswith(LOG_IS_GONE) else text

    async def list_warnings(self, namespace: str) -> list[Object]:
        return await self._warnings.get(namespace)

    async def _fetch_warnings(self, namespace: str) -> list[Object]:
        found = []
        async for event in self._pages(_events(namespace), WARNINGS, _EVENTS):
            found.append(short(event))
            if len(found) == MAX_WARNINGS:
                break
        return found

    async def newest(self, what: Watch, namespace: str) -> str:
        """The resourceVersion from which `watch` starts. It lists as little as possible."""
        page = await self._request("GET", what.path(namespace), what.query | {"limit": "1"})
        return str(page["metadata"]["resourceVersion"])

    async def existing(self, what: Watch, namespace: str) -> AsyncIterator[Object]:
        """The objects that exist, page by page; none for a watch in which only what changes counts."""
        if what.pages:
            async for found in self._pages(what.path(namespace), what.query, what.pages):
                yield short(found)

    async def watch(self, what: Watch, namespace: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """What happens to the objects of a namespace (empty for all) after a resourceVersion.

        Each is `ADDED`, `MODIFIED` or `DELETED` with the object, or `BOOKMARK` with a version. Ends when the API
        server ends the watch. Raises ApiError, also for a version that is too old.
        """
        query = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        path = what.path(namespace)
        async for line in self._connection.lines(path, what.query | query | {"resourceVersion": version}):
            found = _WATCHED.decode(line)
            if found.type == "ERROR":
                raise api_error(0, bytes(found.object), None)
            yield found.type, short(what.decoder.decode(found.object))

    async def apply_status(self, image: Object, status: Object) -> Object:
        meta = image["metadata"]
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")},
            "status": status,
        }
        path = _images(meta["namespace"], meta["name"], "status")
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._request("PATCH", path, query, body, "application/apply-patch+yaml")

    async def create_job(self, manifest: Object) -> None:
        namespace = manifest["metadata"]["namespace"]
        await self._request("POST", _jobs(namespace), {"fieldManager": FIELD_MANAGER}, manifest)

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        body = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            await self._request("DELETE", _jobs(namespace, name), {}, body)
        except ApiError as error:
            if error.status not in (404, 409):  # gone, or another UID: not ours to delete
                raise

    async def get_target(self, kind: Kind, namespace: str, name: str) -> Object | None:
        try:
            return await self._request("GET", _target(kind, namespace, name), {})
        except ApiError as error:
            if error.reason == "NotFound":  # an API that is not served has plain text in place of a reason
                return None
            raise

    async def apply_image(self, kind: Kind, body: Object) -> None:
        meta = body["metadata"]
        path, query = _target(kind, meta["namespace"], meta["name"]), {"fieldManager": ROLLOUT_MANAGER}
        await self._request("PATCH", path, query, body, "application/apply-patch+yaml")

    async def create_event(self, event: Object) -> None:
        try:
            await self._request("POST", _events(event["metadata"]["namespace"]), {}, event)
        except ApiError as error:
            if error.status != 409:  # noqa: PLR2004 - the Event exists already
                raise

    async def _get(self, path: str) -> Object | None:
        try:
            return await self._request("GET", path, {})
        except ApiError as error:
            if error.status == 404:  # noqa: PLR2004 - the HTTP status is the clearest name
                return None
            raise

    async def _list(self, path: str, query: dict[str, str], decoder: msgspec.json.Decoder[_Page[S]]) -> list[Object]:
        return [short(item) async for item in self._pages(path, query, decoder)]

    async def _pages(
        self, path: str, query: dict[str, str], decoder: msgspec.json.Decoder[_Page[T]]
    ) -> AsyncIterator[T]:
        """The objects of a list, read page by page in bounded memory."""
        limit, token = PAGE, ""
        while True:
            asked = query | {"limit": str(limit)} | ({"continue": token} if token else {})
            try:
                found = decoder.decode(await self._connection.page(path, asked))
            except TooLargeError:
                if limit == 1:
                    raise
                limit = max(1, limit // 4)
                continue
            for item in found.items:
                yield item
            token = found.metadata.continue_
            if not token:
                return
            del found  # two pages would stand in memory otherwise

    async def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        found: Object = msgspec.json.decode(await self._connection.send(method, path, query, body, content_type))
        return found


def _named(name: str) -> dict[str, str]:
    """Selects the object with this name. Escaped, because a name in a status can be any text (fields.EscapeValue)."""
    return {"fieldSelector": "metadata.name=" + re.sub(r"([\\,=])", r"\\\1", name)}


def _images(namespace: str, *name: str) -> str:
    return _path("apis", GROUP, VERSION, *_in(namespace), PLURAL, *name)


def _events(namespace: str) -> str:
    return _path("api", "v1", *_in(namespace), "events")


def _jobs(namespace: str, *name: str) -> str:
    return _path("apis", "batch", "v1", *_in(namespace), "jobs", *name)


def _pods(namespace: str, *name: str) -> str:
    return _path("api", "v1", *_in(namespace), "pods", *name)


def _target(kind: Kind, namespace: str, name: str) -> str:
    version = TARGETS[kind].api_version
    root = ("apis", *version.split("/")) if "/" in version else ("api", version)
    return _path(*root, *_in(namespace), TARGETS[kind].plural, name)


def _in(namespace: str) -> tuple[str, ...]:
    """The segments of a namespace; none for all namespaces."""
    return ("namespaces", namespace) if namespace else ()


def _path(*segments: str) -> str:
    """A path of quoted segments. Names come from Jobs and Events, which others may write too."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


WARNING_EVENTS = Watch("Warning Events", _events, WARNINGS, msgspec.json.Decoder(SlimEvent))
ENDING_PODS = Watch(
    "pods",
    _pods,
    OURS | {"fieldSelector": "status.phase!=Pending,status.phase!=Failed"},
    msgspec.json.Decoder(SlimPod),
)
"""The API server sends a pod when its last containers start, when they have ended, and when it has succeeded."""
OUR_JOBS = Watch("Jobs", _jobs, OURS, msgspec.json.Decoder(SlimJob), _JOBS)
