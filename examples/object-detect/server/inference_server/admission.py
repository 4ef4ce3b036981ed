"""Admission control: limits the number and the total bytes of concurrent requests, and drains them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_BYTES = 256 * 1024 * 1024
"""Maximal total bytes of request bodies in memory."""


class Refused(Exception):  # noqa: N818 - a reply, not a defect
    """The server cannot admit this request now; the message says why."""


class Admission:
    """Admits requests. A request holds a slot from before its body is read until it is answered."""

    def __init__(self, places: int, max_bytes: int = MAX_BYTES) -> None:
        self._places = places
        self._max_bytes = max_bytes
        self._requests = 0
        self._bytes = 0
        self._closed = False
        self._left = threading.Condition()

    @property
    def closed(self) -> bool:
        """Whether new requests are rejected."""
        return self._closed

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """Holds a slot for a request with a body of up to `size` bytes.

        Raises:
            Refused: every slot is taken, the body would exceed the byte limit, or admission is closed.
        """
        with self._left:
            self._check(size)
            self._requests += 1
            self._bytes += size
        try:
            yield
        finally:
            with self._left:
                self._requests -= 1
                self._bytes -= size
                self._left.notify_all()

    def close(self) -> None:
        """Rejects new requests from now on."""
        self._closed = True

    def wait_until_empty(self, seconds: float) -> bool:
        """Waits for the admitted requests; returns whether all ended within so many seconds."""
        with self._left:
            return self._left.wait_for(lambda: not self._requests, seconds)

    def _check(self, size: int) -> None:
        if self._closed:
            raise Refused("the server is stopping")
        if self._requests >= self._places:
            raise Refused(f"the queue is full: {self._places} requests are waiting or running")
        if self._bytes + size > self._max_bytes:
            raise Refused(f"the queue is full: {self._requests} requests fill its {self._max_bytes} bytes")
