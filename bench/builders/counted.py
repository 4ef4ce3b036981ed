"""A proxy that counts the bytes that a registry receives."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

from devcluster.lib.in_thread import serving

_CHUNK = 256 * 1024


class Counter:
    """Bytes from clients to the registry, including headers, since the last `take`."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._lock = threading.Lock()
        self._received = 0

    def add(self, count: int) -> None:
        with self._lock:
            self._received += count

    def take(self) -> int:
        """Returns the count and resets it."""
        with self._lock:
            count, self._received = self._received, 0
        return count


@contextlib.contextmanager
def counted(upstream: str) -> Iterator[Counter]:
    """A proxy in front of the registry `upstream` (host:port)."""
    host, _, port = upstream.partition(":")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as registry:
                answers = threading.Thread(target=_pump, args=(registry, self.request, lambda _: None))
                answers.start()
                _pump(self.request, registry, counter.add)
                answers.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    counter = Counter(f"127.0.0.1:{server.server_address[1]}")
    with serving(server):
        yield counter


def _pump(source: socket.socket, target: socket.socket, seen: Callable[[int], None]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK):
            seen(len(data))
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
