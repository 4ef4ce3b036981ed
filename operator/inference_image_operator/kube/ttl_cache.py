"""A cache with a time to live, whose callers share one request."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Calls `fetch` for a key at most once in `seconds`. All callers in that time share the answer or the error."""

    def __init__(self, fetch: Callable[[K], Coroutine[Any, Any, V]], seconds: float) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._answers: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The answer for the key. Raises the error of `fetch`."""
        task = self._answers.get(key)
        if task is None:
            task = self._answers[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda _: self._forget_later(key))
        return await asyncio.shield(task)

    def _forget_later(self, key: K) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._answers.pop, key, None)
