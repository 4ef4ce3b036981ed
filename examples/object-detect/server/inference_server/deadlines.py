"""Deadlines of reading: a client that sends a byte now and then would reset any timeout of the socket itself."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TICK_SECONDS = 0.5
"""How often it is looked; a client gets that much more at most."""


class Deadlines:
    """Closes the reading side of sockets that are late, so that whoever reads from one sees its end."""

    def __init__(self) -> None:
        self._open: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, connection: socket.socket, seconds: float) -> Iterator[None]:
        """What is read from the connection inside this block ends after so many seconds."""
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
