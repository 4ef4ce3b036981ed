"""A TLS proxy before a registry that answers some requests with a failure and forwards the others."""

import contextlib
import http.client
import http.server
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from devcluster.lib.in_thread import serving
from tests.support.registries.tls import Tls

DEADLINE = 15.0
_HOP = {"connection", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Fault:
    """The answer in place of the registry's: a status and a body, or, for status 0, a broken connection."""

    method: str
    path: str
    """A regular expression."""
    status: int
    body: str = ""

    def meets(self, method: str, path: str) -> bool:
        return re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None


@contextlib.contextmanager
def serve_front(address: str, port: int, upstream: str, faults: tuple[Fault, ...], tls: Tls | None) -> Iterator[None]:
    """Serves on loopback until the block ends; `upstream` is `host:port` without TLS."""
    server = http.server.ThreadingHTTPServer((address, port), _Handler)
    if tls:
        server.socket = tls.context().wrap_socket(server.socket, server_side=True)
    server.upstream, server.faults = upstream, faults
    with serving(server):
        yield


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        """The client under test may leave first."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle()

    def _handle(self):
        fault = next((fault for fault in self.server.faults if fault.meets(self.command, self.path)), None)
        if fault is None:
            self._hand_on(self._body())
        elif fault.status:
            kind = "text/html" if fault.body.startswith("<") else "application/json"
            self._body()
            self._answer(fault.status, [("Content-Type", kind)], fault.body.encode())
        self.close_connection = self.close_connection or fault is not None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names of http.server

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = bytearray()
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(data)

    def _hand_on(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=DEADLINE)
        with contextlib.closing(connection):
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            kept = [(name, value) for name, value in reply.getheaders() if name.lower() not in _HOP]
            length = reply.getheader("Content-Length") if self.command == "HEAD" else None
            self._answer(reply.status, kept, reply.read(), length)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the output clean."""
