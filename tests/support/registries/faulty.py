"""A registry in memory that answers wrongly where a test says so: one port that speaks TLS and plain HTTP.

A name whose proxy ends TLS answers on 443 and 80; here one port stands for both, so a test sees what would be sent in
clear. It has what the distribution specification demands of blobs, mounts, manifests and tags.
"""

import contextlib
import hashlib
import http.server
import json
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from devcluster.lib.in_thread import serving
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import MANIFEST_TYPES, Manifest
from inference_image_build.registry.references import ImageReference
from tests.support.registries.tls import Tls

_PATH = re.compile(r"/v2/(?P<path>.+?)/(?P<kind>blobs/uploads|blobs|manifests|tags)/(?P<name>[^/]*)")


class Seen(NamedTuple):
    """A request."""

    scheme: str
    method: str
    path: str
    authorization: str


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


class Rule(NamedTuple):
    """How requests of a method whose path matches are answered, at most `times` times."""

    method: str
    pattern: re.Pattern[str]
    answer: Answer | Callable[["Handler"], None]
    times: list[int]


@dataclass
class FaultyRegistry:
    """A running registry; a test sets its faults and reads its requests."""

    port: int = 0
    name: str = "localhost"
    blobs: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """repository -> digest -> content"""
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """(repository, tag or digest) -> content"""
    challenges: Sequence[str] = ()
    """Headers `WWW-Authenticate`; `{host}` stands for this registry. Without any, everybody may do everything."""
    accepted: set[str] = field(default_factory=set)
    """Headers `Authorization` that are accepted if there are challenges."""
    token: bytes = b'{"token": "t"}'
    """What `/token` answers."""
    rules: list[Rule] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"{self.name}:{self.port}"

    def image(self, path: str = "a/b", tag: str = "1") -> ImageReference:
        return ImageReference(self.host, path, tag, "")

    def on(
        self, method: str, pattern: str, answer: Answer | Callable[["Handler"], None], *, times: int = 1 << 30
    ) -> None:
        """Answers the next requests that match."""
        self.rules.append(Rule(method, re.compile(pattern), answer, [times]))

    def redirect(self, method: str, pattern: str, location: str, status: int = 307) -> None:
        """`{host}` stands for this registry."""
        self.on(method, pattern, Answer(status, [("Location", location.format(host=self.host))]))

    def push(self, path: str, content: bytes) -> Descriptor:
        """Puts a blob into a repository."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs.setdefault(path, {})[digest] = content
        return Descriptor(digest, len(content))

    def push_image(self, path: str = "a/b", tag: str = "1", layers: Sequence[bytes] = (b"layer",)) -> Manifest:
        """Puts an image into a repository."""
        config, *found = [self.push(path, content)._asdict() for content in (b'{"os":"linux"}', *layers)]
        document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[1], "config": config, "layers": found}
        manifest = Manifest(json.dumps(document).encode(), MANIFEST_TYPES[1])
        self.manifests[path, tag] = self.manifests[path, manifest.digest] = manifest.data
        return manifest

    def sent(self, method: str) -> list[Seen]:
        """The requests of a method."""
        return [seen for seen in self.requests if seen.method == method]


@contextlib.contextmanager
def serve_faulty(tls: Tls, name: str = "localhost") -> Iterator[FaultyRegistry]:
    """A registry on loopback, under one of the names of its certificate."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.context = tls.context()
    server.registry = FaultyRegistry(server.server_port, name)
    with serving(server):
        yield server.registry


def reset(handler: "Handler") -> None:
    """Ends the connection with a RST, in place of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def cut(handler: "Handler") -> None:
    """Announces more than it sends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


class _Server(http.server.ThreadingHTTPServer):
    context: ssl.SSLContext
    registry: FaultyRegistry

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        """Speaks TLS if the client does."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # the client under test may leave first
            if request.recv(1, socket.MSG_PEEK) == b"\x16":
                request = stack.enter_context(self.context.wrap_socket(request, server_side=True))
            self.RequestHandlerClass(request, client_address, self)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        registry = self.server.registry
        self.data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        authorization = self.headers.get("Authorization", "")
        registry.requests.append(Seen(scheme, self.command, self.path, authorization))
        is_token = self.path.startswith("/token")
        if registry.challenges and authorization not in registry.accepted and not is_token:
            self.answer(401, [("WWW-Authenticate", text.format(host=registry.host)) for text in registry.challenges])
            return
        for rule in registry.rules:
            if rule.method in {self.command, "*"} and rule.pattern.search(self.path) and rule.times[0]:
                rule.times[0] -= 1
                if isinstance(rule.answer, Answer):
                    self.answer(*rule.answer)
                else:
                    rule.answer(self)
                return
        if is_token:
            self.answer(200, body=registry.token)
        else:
            self.serve()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server looks for these names

    def serve(self) -> None:
        """Answers as the specification says."""
        registry = self.server.registry
        match = _PATH.match(urlsplit(self.path).path)
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if not match:
            self.answer(404)
            return
        path, kind, name = match["path"], match["kind"], match["name"]
        blobs = registry.blobs.setdefault(path, {})
        match self.command, kind:
            case (("HEAD" | "GET"), "blobs"):
                self._found(blobs.get(name))
            case (("HEAD" | "GET"), "manifests"):
                self._found(registry.manifests.get((path, name)), MANIFEST_TYPES[1])
            case "GET", "tags":
                tags = [tag for found, tag in registry.manifests if found == path and ":" not in tag]
                self.answer(200, body=json.dumps({"name": path, "tags": tags}).encode())
            case "POST", "blobs/uploads":
                digest, source = query.get("mount", ""), registry.blobs.get(query.get("from", ""), {})
                if digest in source:
                    blobs[digest] = source[digest]
                    self.answer(201, [("Location", f"/v2/{path}/blobs/{digest}")])
                else:
                    self.answer(202, [("Location", f"/v2/{path}/blobs/uploads/1?_state=s")])
            case "PUT", "blobs/uploads":
                right = query.get("digest") == f"sha256:{hashlib.sha256(self.data).hexdigest()}"
                if right:
                    registry.push(path, self.data)
                self.answer(201 if right else 400, body=b"" if right else b'{"errors": [{"code": "DIGEST_INVALID"}]}')
            case "PUT", "manifests":
                registry.manifests[path, name] = self.data
                registry.manifests[path, f"sha256:{hashlib.sha256(self.data).hexdigest()}"] = self.data
                self.answer(201)
            case _:
                self.answer(405)

    def _found(self, data: bytes | None, kind: str = "application/octet-stream") -> None:
        self.answer(404 if data is None else 200, [("Content-Type", kind)], data or b"")

    def answer(self, status: int, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Sends a response; a header `Content-Length` replaces the right one."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in dict(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the output clean."""
