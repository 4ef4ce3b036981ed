"""A corporate proxy on loopback: CONNECT for TLS, absolute-form requests for plain HTTP. It records its requests."""

import select
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from devcluster.lib.in_thread import serving


class Proxy(socketserver.ThreadingTCPServer):
    """Serves on a free port."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = self._head()
        if not head:
            return
        method, target, version = head[0].split(" ")
        self.server.asked.append(f"{method} {target}")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=60) as upstream:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._relay(upstream)
            return
        parts = urlsplit(target)
        path = target.partition(parts.netloc)[2]
        lines = [f"{method} {path} {version}", *(line for line in head[1:] if not _of_this_hop(line))]
        with socket.create_connection((parts.hostname, parts.port), timeout=60) as upstream:
            upstream.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            self._relay(upstream)

    def _head(self) -> list[str]:
        """The request line and the headers, read byte by byte so that the body stays unread."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            byte = self.connection.recv(1)
            if not byte:
                return []
            data += byte
        return data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")

    def _relay(self, upstream: socket.socket) -> None:
        other = {self.connection: upstream, upstream: self.connection}
        while True:
            for ready in select.select(list(other), [], [], 10)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)


def _of_this_hop(line: str) -> bool:
    return line.lower().startswith(("connection:", "proxy-connection:"))


@contextmanager
def proxy() -> Iterator[Proxy]:
    """Runs until the block ends."""
    with serving(Proxy()) as server:
        yield server
