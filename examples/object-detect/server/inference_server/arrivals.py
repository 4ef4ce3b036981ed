"""Connections whose request has not arrived: they wait for the end of its headers here, without a thread."""

import select
import socket
import time
from collections.abc import Iterator
from typing import Protocol

SECONDS = 5.0
"""Within which the headers of a request must arrive."""
MOST = 500
"""Connections that wait; one more ends the one that has waited longest."""
MAX_HEADERS = 64 * 1024
"""Bytes without an end of the headers that the parser gets to refuse."""
_END = b"\r\n\r\n"
_PROBES = (b"GET /initialized ", b"HEAD /initialized ", b"GET /metrics ", b"HEAD /metrics ")
_BODY = (b"\r\ncontent-length:", b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:")


class Connection(Protocol):
    """gunicorn's connection, as far as it is used here."""

    sock: socket.socket


def headers(sock: socket.socket) -> bytes | None:
    """The headers that have arrived, or what a parser can refuse; None while more must come. The socket keeps them."""
    try:
        found = sock.recv(MAX_HEADERS, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:  # reset; the parser notices
        return b""
    ended = not found or len(found) == MAX_HEADERS or _END in found
    return found.partition(_END)[0] if ended else None


def is_probe(found: bytes) -> bool:
    """Whether these are the headers of a request that is answered at once: it has no body and needs no model."""
    return found.startswith(_PROBES) and not any(word in found.lower() for word in _BODY)


class Arrivals:
    """The waiting connections. Not thread-safe: it belongs to the worker's loop."""

    def __init__(self) -> None:
        self._events = select.epoll()
        self._waiting: dict[int, tuple[Connection, float]] = {}

    def fileno(self) -> int:
        """Readable when more of a request has arrived."""
        return self._events.fileno()

    def add(self, connection: Connection) -> None:
        """Lets the connection wait."""
        number = connection.sock.fileno()
        # By edge: what has arrived stays in the socket, which would be readable all the time.
        self._events.register(number, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
        self._waiting[number] = connection, time.monotonic() + SECONDS

    def arrived(self) -> Iterator[tuple[Connection, bytes]]:
        """The connections whose headers have arrived since the last call, and these headers."""
        for number, _ in self._events.poll(0):
            connection, _ = self._waiting[number]
            found = headers(connection.sock)
            if found is not None:
                self._remove(number)
                yield connection, found

    def late(self) -> Iterator[Connection]:
        """The connections that have waited too long, or are too many."""
        now = time.monotonic()
        for number, (connection, until) in list(self._waiting.items()):
            if until > now and len(self._waiting) <= MOST:
                return
            self._remove(number)
            yield connection

    def _remove(self, number: int) -> None:
        self._events.unregister(number)
        del self._waiting[number]
