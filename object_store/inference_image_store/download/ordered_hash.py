"""SHA-256 of a file whose ranges arrive in any order: the thread that completes the next range hashes it."""

import hashlib
import os
import threading
from collections.abc import Sequence

_CHUNK = 1024 * 1024


class OrderedHash:
    """Hashes the ranges of one file in order. Shared by the threads that receive them."""

    def __init__(self, ends: Sequence[int]) -> None:
        """`ends`: the end of each range; a range begins at the end of the previous one."""
        self._ends = ends
        self._arrived = [False] * len(ends)
        self._next = 0
        self._busy = False
        self._lock = threading.Lock()
        self._sha256 = hashlib.sha256()

    def arrived(self, index: int, descriptor: int, *, wanted: bool) -> bool:
        """Records a range that is in the file and, when `wanted`, hashes all ranges that are next in order.

        Returns True once: for the call that completes the file.
        """
        with self._lock:
            self._arrived[index] = True
            if self._busy:
                return False  # that thread continues with this range
            self._busy = True
        while True:
            with self._lock:
                current = self._next
                if current == len(self._ends):
                    return True  # still marked busy: no other thread gets here
                if not self._arrived[current]:
                    self._busy = False
                    return False
                self._next += 1
            if wanted:
                self._hash(descriptor, self._ends[current - 1] if current else 0, self._ends[current])

    def hexdigest(self) -> str:
        """The SHA-256 of everything hashed so far."""
        return self._sha256.hexdigest()

    def _hash(self, descriptor: int, start: int, end: int) -> None:
        while start < end:
            chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
            if not chunk:
                raise OSError("a file shrank while it was being written")
            self._sha256.update(chunk)
            start += len(chunk)
