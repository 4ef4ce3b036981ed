"""A stand-in for an API server: objects by path, watches by script, and rights that can be taken away."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from devcluster.lib.in_thread import serving
from kubectl_inferenceimage.cluster.connection import connect
from kubectl_inferenceimage.cluster.dashboard.answers import Answers
from kubectl_inferenceimage.cluster.dashboard.pictures import Pictures
from kubectl_inferenceimage.cluster.dashboard.server import Dashboard

Object = dict[str, Any]
NAMESPACE = "team-a"
IMAGES = f"/apis/uai.ucloud.cn/v1alpha1/namespaces/{NAMESPACE}/inferenceimages"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class ApiServer:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        """Path -> an object, a list of them, a text, a status with an error, or a status and what comes with it."""
        self.sequences: dict[str, list[Object | None]] = {}
        """Path -> what it is at each read; the last one stays."""
        self.forbidden: set[tuple[str, str]] = set()
        """(method, path) that get 403. The method WATCH stands for a GET with `watch`."""
        self.watches: deque[list[Object] | int] = deque()
        """What each watch gets, one after the other: events, then its end, or a status instead."""
        self.logs: dict[str, deque[str | int]] = {}
        """Container -> what each connection to its log gets, or a status instead; the last one stays."""
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        """Method, path, query and body of every request."""
        self.port = 0

    def kubeconfig(self, folder: Path) -> Path:
        path = folder / "kubeconfig"
        named = {"name": "it"}
        document = {
            "current-context": "it",
            "clusters": [named | {"cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [named | {"user": {"token": "the-token-of-the-person"}}],
            "contexts": [named | {"context": {"cluster": "it", "user": "it", "namespace": NAMESPACE}}],
        }
        path.write_text(json.dumps(document))
        return path

    def log(self, container: str) -> tuple[int, Any]:
        script = self.logs[container]
        found = script.popleft() if len(script) > 1 else script[0]
        return (found, {"message": "scripted"}) if isinstance(found, int) else (200, found)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) in self.forbidden:
            return 403, {"message": "forbidden"}
        if method == "POST" and path == REVIEWS:
            asked = body["spec"]["resourceAttributes"]
            right = (asked["verb"], "/".join(part for part in (asked["resource"], asked.get("subresource")) if part))
            return 201, body | {"status": {"allowed": right not in self.forbidden}}
        if path.endswith("/log") and query["container"] in self.logs:
            return self.log(query["container"])
        if sequence := self.sequences.get(path):
            self.objects[path] = sequence.pop(0) if len(sequence) > 1 else sequence[0]
        found = self.objects.get(path, 404)
        if isinstance(found, tuple):
            return found
        if isinstance(found, int) or found is None:
            return found or 404, {"error": "scripted"}
        return self.changed(method, path, found, body)

    def changed(self, method: str, path: str, found: Any, body: Any) -> tuple[int, Any]:
        if method == "POST" and isinstance(found, list):
            name = body["metadata"]["generateName"] + "abcde"
            self.objects[f"{path}/{name}"] = body | {"metadata": body["metadata"] | {"name": name}}
            return 201, self.objects[f"{path}/{name}"]
        if method == "PATCH":
            merge(found, body)
        elif method == "DELETE":
            del self.objects[path]
        return 200, {"items": found, "metadata": {}} if isinstance(found, list) else found


def merge(target: Object, patch: Object) -> None:
    """A JSON merge patch (RFC 7386)."""
    for name, value in patch.items():
        if isinstance(value, dict):
            merge(target.setdefault(name, {}), value)
        elif value is None:
            target.pop(name, None)
        else:
            target[name] = value


@contextmanager
def serve() -> Iterator[ApiServer]:
    state = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length) if length else b""
            body = json.loads(raw) if raw and "json" in self.headers["Content-Type"] else raw or None
            watches = "watch" in query
            state.asked.append(("WATCH" if watches else self.command, parts.path, query, body))
            if watches and ("WATCH", parts.path) not in state.forbidden:
                self._watch()
            else:
                self._send(*state.answer("WATCH" if watches else self.command, parts.path, query, body))

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - the names of http.server

        def _watch(self) -> None:
            script = state.watches.popleft() if state.watches else 500
            if isinstance(script, int):
                self._send(script, {"message": "scripted"})
                return
            self.send_response(200)
            self.end_headers()
            for event in script:
                self.wfile.write(json.dumps(event).encode() + b"\n")

        def _send(self, status: int, found: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(found.encode() if isinstance(found, str) else json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        state.port = server.server_port
        yield state


@contextmanager
def dashboard_of(api: ApiServer, folder: Path) -> Iterator[Dashboard]:
    """The dashboard of this API server's namespace; its kubeconfig and the drawn pictures are in the folder."""
    answers = Answers(connect(str(api.kubeconfig(folder)), "", ""), everywhere=False, pictures=Pictures(folder))
    with serving(Dashboard(answers, 0)) as found:
        yield found
