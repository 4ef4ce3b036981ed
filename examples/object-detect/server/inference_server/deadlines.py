"""Deadlines for reading: a client that sends a byte now and then would reset the socket's own timeout."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TICK_SECONDS = 0.5
"""Seconds between checks; a client gets at most that much more time."""


class Deadlines:
    """Shuts down the reading side of late sockets, so that their readers see the end."""

    def __init__(self) -> None:
        self._open: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, connection: socket.socket, seconds: float) -> Iterator[None]:
        """Limits the time for reading from the connection inside this block."""
        with self._lock:
            self._open[connection] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(connection, None)

    def _watch(self) -> None:
        tick = threading.Event()
        while not tick.wait(TICK_SECONDS):
            with self._lock:
                late = [connection for connection, at in self._open.items() if at <= time.monotonic()]
                for connection in late:
                    del self._open[connection]
                    with suppress(OSError):  # the client was faster
                        connection.shutdown(socket.SHUT_RD)
