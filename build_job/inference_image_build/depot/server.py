"""Serves a depot as a registry on loopback, without login: pulls by digest, and the push of one image.

Only what Kaniko needs of https://github.com/opencontainers/distribution-spec/blob/main/spec.md. A RUN can send all it
likes here. It can read the base images and store further blobs, which only the image that Kaniko pushes makes use of.
"""

import contextlib
import errno
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import parse_qs, urlsplit

from inference_image_build.depot.store import CHUNK, Depot, MismatchError
from inference_image_build.registry.manifests import Manifest, media_type
from inference_image_build.registry.replies import MAX_BODY
from inference_image_contract import registry_words
from inference_image_contract.content import DIGEST
from inference_image_contract.results import Served

_PATH = re.compile(r"/v2/(?P<name>[a-z0-9._/-]{1,512})/(?P<kind>blobs|manifests)/(?P<rest>[A-Za-z0-9:._/-]{1,255})")
_UPLOAD = re.compile(r"uploads/(?P<name>[0-9a-f]{32})")
_MAX_LINE = 1024
_MAX_ID = 64
_POLL = 0.1
"""Seconds until the server notices that it has to end."""


class BadRequestError(Exception):
    """A request that this registry does not understand."""


class Server(ThreadingHTTPServer):
    """The server of one depot."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, depot: Depot, host: str, port: int) -> None:
        self.depot = depot
        super().__init__((host, port), Handler)


def serve(depot: Depot, host: str, port: int) -> Served:
    """Serves the depot until SIGTERM, with which the kubelet ends a sidecar once the others have ended."""
    with Server(depot, host, port) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=_POLL)
    return Served()


class Handler(BaseHTTPRequestHandler):
    """One connection. Whoever is at the other end, each request gets a response, or the connection ends."""

    protocol_version = "HTTP/1.1"
    timeout = 600
    server: Server

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._begin)

    def do_PATCH(self) -> None:
        self._answer(self._append)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def log_message(self, *_: object) -> None:
        """Nothing: Kaniko's log says what it pulls and pushes."""

    def _answer(self, method: Callable[[], None]) -> None:
        """Answers every request, and closes the connection after one that it could not read to its end."""
        try:
            method()
        except BadRequestError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "UNSUPPORTED", str(error))
        except MismatchError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, "DIGEST_INVALID", str(error))
        except FileNotFoundError:
            self._refuse(HTTPStatus.NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, "DENIED", registry_words.DEPOT_FULL)
            else:  # the client is gone
                self.close_connection = True

    def _get(self) -> None:
        if self.path.rstrip("/") == "/v2":
            self._reply(HTTPStatus.OK)
            return
        kind, rest, _ = self._parts()
        if kind == "blobs" and (blob := self.server.depot.blob(rest)):
            with blob.open("rb") as file:
                self._content(rest, "application/octet-stream", blob.stat().st_size, file)
        elif kind == "manifests" and (manifest := self.server.depot.manifest(rest)):
            self._content(manifest.digest, manifest.media_type, len(manifest.data), manifest.data)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"{kind[:-1].upper()}_UNKNOWN", "the depot does not have it")

    def _content(self, digest: str, kind: str, size: int, content: bytes | IO[bytes]) -> None:
        headers = {"Content-Type": kind, "Content-Length": str(size), "Docker-Content-Digest": digest}
        self._headers(HTTPStatus.OK, headers)
        if self.command == "HEAD":
            return
        if isinstance(content, bytes):
            self.wfile.write(content)
        else:
            self.connection.sendfile(content)

    def _begin(self) -> None:
        """Starts an upload. A blob that the depot has counts as mounted, wherever it should come from."""
        kind, rest, query = self._parts()
        for _ in self._body():  # there is none, but it must not be taken for the next request
            pass
        if kind != "blobs" or rest != "uploads/":
            raise BadRequestError("not an upload")
        mounted = query.get("mount", "")
        if self.server.depot.blob(mounted):
            self._created(mounted)
            return
        self._accepted(self.server.depot.begin())

    def _append(self) -> None:
        name = self._upload()
        self._receive(name)
        self._accepted(name)

    def _put(self) -> None:
        kind, rest, query = self._parts()
        if kind == "manifests":
            self._put_manifest(rest)
            return
        name, digest = self._upload(), query.get("digest", "")
        self._receive(name)
        if not DIGEST.fullmatch(digest):
            raise MismatchError("the digest is malformed")
        self.server.depot.finish(name, digest)
        self._created(digest)

    def _put_manifest(self, reference: str) -> None:
        data = bytearray()
        for piece in self._body():
            data += piece
            if len(data) > MAX_BODY:
                raise BadRequestError(f"a manifest has at most {MAX_BODY} bytes")
        manifest = Manifest(bytes(data), media_type(self.headers.get("Content-Type", ""), bytes(data)))
        is_digest = ":" in reference
        if is_digest and reference != manifest.digest:
            raise MismatchError(reference[:_MAX_LINE])
        self.server.depot.add_manifest(manifest)
        if not is_digest:
            self.server.depot.set_built(manifest.digest)
        self._created(manifest.digest)

    def _receive(self, name: str) -> None:
        with self.server.depot.upload(name).open("r+b") as file:
            file.seek(0, 2)
            file.writelines(self._body())

    def _parts(self) -> tuple[str, str, dict[str, str]]:
        """`blobs` or `manifests`, what follows, and the query."""
        url = urlsplit(self.path)
        match = _PATH.fullmatch(url.path)
        if match is None or len(self.path) > _MAX_LINE:
            raise BadRequestError("not a path of a registry")
        return match["kind"], match["rest"], {name: values[0] for name, values in parse_qs(url.query).items()}

    def _upload(self) -> str:
        """The upload that the path names."""
        kind, rest, _ = self._parts()
        match = _UPLOAD.fullmatch(rest)
        if kind != "blobs" or match is None:
            raise BadRequestError("not an upload")
        return match["name"]

    def _body(self) -> Iterator[bytes]:
        """The body, a piece at a time: of the length that the headers name, or in the chunks of RFC 9112."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := _number(self._line().partition(b";")[0], 16):
                yield from self._exactly(size)
                self._line()
            while self._line():  # trailers
                pass
        else:
            yield from self._exactly(_number(self.headers.get("Content-Length", "0").encode(), 10))

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self.rfile.read1(min(size, CHUNK))
            if not piece:
                raise ConnectionError("the body ends early")
            size -= len(piece)
            yield piece

    def _line(self) -> bytes:
        line = self.rfile.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            raise ConnectionError("a chunk has no end")
        return line.strip()

    def _accepted(self, upload: str) -> None:
        size = self.server.depot.upload(upload).stat().st_size
        self._reply(
            HTTPStatus.ACCEPTED,
            {"Location": f"/v2/image/blobs/uploads/{upload}", "Range": f"0-{max(size - 1, 0)}"},
        )

    def _created(self, digest: str) -> None:
        self._reply(HTTPStatus.CREATED, {"Location": f"/v2/image/blobs/{digest}", "Docker-Content-Digest": digest})

    def _reply(self, status: HTTPStatus, headers: dict[str, str] | None = None) -> None:
        self._headers(status, {"Content-Length": "0", **(headers or {})})

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        """An error. The connection ends, since the rest of a body may still come."""
        data = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self._headers(status, {"Content-Length": str(len(data)), "Connection": "close"})
            if self.command != "HEAD":
                self.wfile.write(data)

    def _headers(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _number(digits: bytes, base: int) -> int:
    """The number of a header or of a chunk."""
    if len(digits) > _MAX_ID:
        raise BadRequestError("a size is malformed")
    try:
        found = int(digits, base)
    except ValueError as error:
        raise BadRequestError("a size is malformed") from error
    if found < 0:
        raise BadRequestError("a size is malformed")
    return found
