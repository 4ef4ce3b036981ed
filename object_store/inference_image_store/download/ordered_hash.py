"""SHA-256 of a file whose ranges arrive in any order: whoever brings the next one hashes it."""

import hashlib
import os
import threading
from collections.abc import Sequence

_CHUNK = 1024 * 1024


class InOrder:
    """Follows the ranges of one file. Shared by the threads that receive them."""

    def __init__(self, ends: Sequence[int]) -> None:
        """`ends`: where each range ends; it begins where the one before ends."""
        self._ends = ends
        self._arrived = [False] * len(ends)
        self._next = 0
        self._busy = False
        self._lock = threading.Lock()
        self._sha256 = hashlib.sha256()

    def arrived(self, index: int, descriptor: int, *, wanted: bool) -> bool:
        """Takes note of a range that is in the file, and hashes, when `wanted`, what can be hashed now.

        True for the one call after which nothing is left to do.
        """
        with self._lock:
            self._arrived[index] = True
            if self._busy:
                return False  # that thread goes on with this range
            self._busy = True
        while True:
            with self._lock:
                current = self._next
                if current == len(self._ends):
                    return True  # still busy: nobody else gets here
                if not self._arrived[current]:
                    self._busy = False
                    return False
                self._next += 1
            if wanted:
                self._hash(descriptor, self._ends[current - 1] if current else 0, self._ends[current])

    def hexdigest(self) -> str:
        """Of everything so far."""
        return self._sha256.hexdigest()

    def _hash(self, descriptor: int, start: int, end: int) -> None:
        while start < end:
            chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
            if not chunk:
                raise OSError("a file became shorter while it was written")
            self._sha256.update(chunk)
            start += len(chunk)
