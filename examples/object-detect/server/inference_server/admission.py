"""Admission: how many requests, and how many bytes of them, may be inside at once, and when nobody is any more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of request bodies that may be in memory together."""


class Refused(Exception):  # noqa: N818 - an answer, not a defect
    """There is no place for this request now; the message says why."""


class Admission:
    """The door. A request holds a place from before its body is read until it is answered."""

    def __init__(self, places: int, max_bytes: int = MAX_BYTES) -> None:
        self._places = places
        self._max_bytes = max_bytes
        self._requests = 0
        self._bytes = 0
        self._closed = False
        self._left = threading.Condition()

    @property
    def closed(self) -> bool:
        """Whether nobody is let in any more."""
        return self._closed

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """Holds a place for a request whose body may have `size` bytes.

        Raises:
            Refused: every place is taken, the bodies inside leave no room for this one, or the door is closed.
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
        """Lets nobody in any more."""
        self._closed = True

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether everybody inside has left within so many seconds."""
        with self._left:
            return self._left.wait_for(lambda: not self._requests, seconds)

    def _check(self, size: int) -> None:
        if self._closed:
            raise Refused("the server is stopping")
        if self._requests >= self._places:
            raise Refused(f"the queue is full: {self._places} requests are waiting or being answered")
        if self._bytes + size > self._max_bytes:
            raise Refused(f"the queue is full: {self._requests} requests fill its {self._max_bytes} bytes")
