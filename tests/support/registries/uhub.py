"""UHub's documented rules in front of a real docker-registry: stricter than the plain protocol.

Rules (UCloud documents, uhub: guide, qa): one registry with an internal and an external name; the user is an e-mail
address, with the console's or an independent password; a repository must be created before a push; with its access from
outside off, logins from outside pull and do not push; an image keeps 800 tags, and above that UHub deletes
tags not pulled for a month, oldest first, with their images; the push of a layer of more than 5 GB may fail.
UHub's error messages, and whether it supports deletion through this protocol, are not documented.
"""

import base64
import contextlib
import http.server
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests

from devcluster.lib.in_thread import serving
from inference_image_build.registry.manifests import MANIFEST_TYPES
from tests.support.registries.docker_registry import serve_registry
from tests.support.registries.tls import Tls

MONTH = 30
"""Days."""
USER, CONSOLE, INDEPENDENT = "me@example.com", "canary-console-password", "canary-independent-password"
_PATH = re.compile(r"/v2/(?P<image>.+?)/(?:manifests/(?P<reference>[^/?]+)|blobs/|tags/)")
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


@dataclass
class Uhub:
    """A running stand-in. A test sets its attributes and reads its records."""

    inside: str
    outside: str
    backend: str
    """URL of the registry behind it."""
    tls: Tls
    repositories: set[str] = field(default_factory=lambda: {"demo"})
    """The created repositories."""
    closed: set[str] = field(default_factory=set)
    """Repositories without access from outside."""
    public: set[str] = field(default_factory=set)
    """Repositories that everybody can pull from."""
    max_tags: int = 800
    max_layer: int = 5 * 1000**3
    deletes: bool = True
    today: int = 0
    """The time in days; a test advances it."""
    pushed: dict[tuple[str, str], int] = field(default_factory=dict)
    """(image, tag) -> day of its upload, oldest first."""
    pulled: dict[tuple[str, str], int] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    """Tags that UHub deleted above its limit."""
    most: int = 0
    """The largest number of tags that an image ever had."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(`inside` or `outside`, method, path)"""

    def tags(self, image: str) -> list[str]:
        reply = requests.get(f"{self.backend}/v2/{image}/tags/list?n=10000", timeout=60)
        return reply.json().get("tags") or [] if reply.ok else []

    def digest(self, image: str, reference: str) -> str:
        """The digest of a tag or digest, empty for an unknown one; does not count as a pull."""
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        reply = requests.head(f"{self.backend}/v2/{image}/manifests/{reference}", headers=accept, timeout=60)
        return reply.headers["Docker-Content-Digest"] if reply.ok else ""

    def methods(self, side: str) -> set[str]:
        """The requests to one of its names."""
        return {method for where, method, _ in self.requests if where == side}


@contextlib.contextmanager
def serve_uhub(folder: Path, tls: Tls) -> Iterator[Uhub]:
    """UHub on two ports of loopback: its internal and its external name."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        backend = stack.enter_context(serve_registry(folder, None, {}, on_disk=False))
        servers = {side: http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) for side in ("inside", "outside")}
        hosts = {side: f"localhost:{server.server_port}" for side, server in servers.items()}
        uhub = Uhub(hosts["inside"], hosts["outside"], f"http://{backend}", tls)
        for side, server in servers.items():
            server.socket = tls.context().wrap_socket(server.socket, server_side=True)
            server.side, server.uhub = side, uhub
            stack.enter_context(serving(server))
        yield uhub


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per response: a second one would wait for an acknowledgement
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self._session = requests.Session()
        self._session.trust_env = False

    def finish(self):
        self._session.close()
        super().finish()

    def _handle(self):
        uhub, side = self.server.uhub, self.server.side
        uhub.requests.append((side, self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = _PATH.match(self.path)
        if refused := self._refusal(uhub, side, match["image"] if match else "", len(body)):
            status, code, message = refused
            headers = {"WWW-Authenticate": 'Basic realm="UHub"'} if status == 401 else {}
            self._reply(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(), headers)
            return
        kept = {name: value for name, value in self.headers.items() if name.lower() not in {"authorization", "host"}}
        answer = self._session.request(
            self.command, uhub.backend + self.path, headers=kept, data=body, allow_redirects=False, timeout=60
        )
        if match and match["reference"] and answer.ok:
            self._note(uhub, match["image"], match["reference"])
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        self._reply(answer.status_code, answer.content, headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server looks for these

    def _refusal(self, uhub: Uhub, side: str, image: str, size: int) -> tuple[int, str, str] | None:
        """The first rule that the request violates."""
        repository = image.partition("/")[0]
        writes = self.command not in {"GET", "HEAD"}
        login = self.headers.get("Authorization", "")
        logins = {(USER, CONSOLE), (USER, INDEPENDENT)}
        is_upload, is_manifest = "/blobs/uploads/" in self.path, "/manifests/" in self.path
        rules = (
            (not login and (writes or repository not in uhub.public), 401, "UNAUTHORIZED", "authentication required"),
            (login and _decoded(login) not in logins, 401, "UNAUTHORIZED", "wrong user or password"),
            (writes and repository not in uhub.repositories, 404, "NAME_UNKNOWN", f"there is no {repository}"),
            (writes and side == "outside" and repository in uhub.closed, 403, "DENIED", "access is denied"),
            (writes and is_upload and size > uhub.max_layer, 413, "SIZE_INVALID", "the layer is too large"),
            (self.command == "DELETE" and is_manifest and not uhub.deletes, 405, "UNSUPPORTED", "unsupported"),
        )
        return next((rule[1:] for rule in rules if rule[0]), None)

    def _note(self, uhub: Uhub, image: str, reference: str) -> None:
        is_tag = not reference.startswith("sha256:")
        if self.command == "GET" and is_tag:
            uhub.pulled[image, reference] = uhub.today
        if self.command == "PUT" and is_tag:
            uhub.pushed.pop((image, reference), None)
            uhub.pushed[image, reference] = uhub.today
            tags = uhub.tags(image)
            uhub.most = max(uhub.most, len(tags))
            _make_room(uhub, image, len(tags))

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        is_head = self.command == "HEAD"
        self.send_header("Content-Length", headers.get("Content-Length", "0") if is_head else str(len(body)))
        self.end_headers()
        if not is_head:
            self.wfile.write(body)

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the output clean."""


def _make_room(uhub: Uhub, image: str, count: int) -> None:
    """Deletes tags above UHub's limit that nobody pulled for a month, with their images."""
    for found, tag in list(uhub.pushed):
        if count <= uhub.max_tags:
            return
        last = max(uhub.pulled.get((found, tag), -MONTH), uhub.pushed[found, tag])
        digest = uhub.digest(image, tag) if found == image and last <= uhub.today - MONTH else ""
        if digest:
            requests.delete(f"{uhub.backend}/v2/{image}/manifests/{digest}", timeout=60)
            uhub.deleted.append(tag)
            del uhub.pushed[found, tag]
            count = len(uhub.tags(image))


def _decoded(header: str) -> tuple[str, str]:
    user, _, password = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
    return user, password
