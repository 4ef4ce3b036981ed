"""The order in which keys that are due get a worker: the groups take turns, and none has all workers."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """A group that is due a thousand times, or whose work is slow, delays another one by at most one turn."""

    def __init__(self, group: Callable[[K], Hashable], most: int) -> None:
        """`most` is the number of keys of one group that may be taken and not done."""
        self._group = group
        self._most = most
        self._due: dict[Hashable, deque[K]] = {}
        self._taken: Counter[Hashable] = Counter()
        self._changed = asyncio.Event()

    def put(self, key: K) -> None:
        """Adds a key at the end of its group."""
        self._due.setdefault(self._group(key), deque()).append(key)
        self._changed.set()

    async def take(self) -> K:
        """The next key, once there is one. The caller calls `done` for it."""
        while True:
            for group in self._due:
                if self._taken[group] < self._most:
                    return self._take(group)
            self._changed.clear()
            await self._changed.wait()

    def _take(self, group: Hashable) -> K:
        keys = self._due.pop(group)
        key = keys.popleft()
        if keys:
            self._due[group] = keys  # behind all others
        self._taken[group] += 1
        return key

    def done(self, key: K) -> None:
        """A key that was taken needs no worker any more."""
        group = self._group(key)
        self._taken[group] -= 1
        if not self._taken[group]:
            del self._taken[group]
        self._changed.set()
