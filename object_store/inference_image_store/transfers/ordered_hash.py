"""SHA-256 of a content whose ranges are moved in any order: the thread that moves the next range hashes it."""

import hashlib
import threading
from collections.abc import Callable

_CHUNK = 1024 * 1024


class OrderedHash:
    """Hashes the ranges of one content in order. Shared by the threads that move them."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        """`read` gets a position and a length, and returns up to as many bytes of the content; `size` is its bytes."""
        self._read = read
        self._size = size
        self._moved: dict[int, int] = {}
        """End of each moved range that is not hashed yet, by its start."""
        self._next = 0
        self._busy = False
        self._lock = threading.Lock()
        self._sha256 = hashlib.sha256()

    def moved(self, start: int, end: int, *, wanted: bool = True) -> bool:
        """Records a range that can be read and, when `wanted`, hashes all ranges that are next in order.

        Returns True once: for the call that completes the content.
        """
        with self._lock:
            self._moved[start] = end
            if self._busy:
                return False  # that thread continues with this range
            self._busy = True
        while True:
            with self._lock:
                if self._next == self._size:
                    return True  # still marked busy: no other thread gets here
                end = self._moved.pop(self._next, self._next)
                if end == self._next:
                    self._busy = False
                    return False
                start, self._next = self._next, end
            if wanted:
                self._hash(start, end)

    def hexdigest(self) -> str:
        """The SHA-256, while no range moves. Hashes what has not been moved."""
        self._hash(self._next, self._size)
        self._next = self._size
        return self._sha256.hexdigest()

    def _hash(self, start: int, end: int) -> None:
        while start < end:
            chunk = self._read(start, min(_CHUNK, end - start))
            if not chunk:
                raise OSError("a file shrank while it was read")
            self._sha256.update(chunk)
            start += len(chunk)
