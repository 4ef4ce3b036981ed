"""Limits the running pipelines, per installation and per namespace. The oldest object goes first."""

from bisect import bisect_left, insort
from collections import Counter

from inference_image_operator.config.installation import Concurrency

Key = tuple[str, str]
"""Namespace and name."""


class PipelineLimiter:
    """In memory. After a restart, the running pipelines are marked from the statuses before any other may run."""

    def __init__(self, limits: Concurrency) -> None:
        self._limits = limits
        self._running: set[Key] = set()
        self._running_in: Counter[str] = Counter()
        self._waiting: dict[Key, str] = {}
        self._order: list[tuple[str, Key]] = []
        """The waiting objects by creation time, always sorted: asking costs no sort of the whole queue."""

    def mark_running(self, key: Key) -> None:
        """Marks this object's pipeline as running."""
        self._leave_queue(key)
        if key not in self._running:
            self._running.add(key)
            self._running_in[key[0]] += 1

    def acquire(self, key: Key, created: str) -> int | None:
        """None if the object may run, from now until `release`; otherwise its place in the queue, from 1.

        `created` is the object's creation time, RFC 3339. Older objects go first.
        """
        if key in self._running:
            return None
        self._leave_queue(key)
        self._waiting[key] = created
        insort(self._order, (created, key))
        free, older = self._free(), Counter[str]()
        position = bisect_left(self._order, (created, key))
        for _, (namespace, _) in self._order[:position]:
            if free <= 0:
                break
            if self._free_in(namespace) > older[namespace]:  # the older object may run, and asks soon
                free -= 1
                older[namespace] += 1
        if free > 0 and self._free_in(key[0]) > older[key[0]]:
            self.mark_running(key)
            return None
        return position - older.total() + 1

    def release(self, key: Key) -> list[Key]:
        """Ends the object's pipeline. Returns the waiting objects, oldest first, since one of them may run now."""
        self._leave_queue(key)
        if key not in self._running:
            return []
        self._running.discard(key)
        self._running_in[key[0]] -= 1
        return [waiting for _, waiting in self._order]

    def _leave_queue(self, key: Key) -> None:
        created = self._waiting.pop(key, None)
        if created is not None:
            del self._order[bisect_left(self._order, (created, key))]

    def _free(self) -> float:
        return self._limits.total - len(self._running) if self._limits.total else float("inf")

    def _free_in(self, namespace: str) -> float:
        if not self._limits.per_namespace:
            return float("inf")
        return self._limits.per_namespace - self._running_in[namespace]
