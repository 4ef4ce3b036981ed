"""Limits the running pipelines, per installation and per namespace. The oldest object goes first."""

from inference_image_operator.config.installation import Concurrency

Key = tuple[str, str]
"""Namespace and name."""


class PipelineLimiter:
    """In memory. After a restart, the running pipelines are marked from the statuses before any other may run."""

    def __init__(self, limits: Concurrency) -> None:
        self._limits = limits
        self._running: set[Key] = set()
        self._waiting: dict[Key, str] = {}

    def mark_running(self, key: Key) -> None:
        """Marks this object's pipeline as running."""
        self._waiting.pop(key, None)
        self._running.add(key)

    def acquire(self, key: Key, created: str) -> int | None:
        """None if the object may run, from now until `release`; otherwise its place in the queue, from 1.

        `created` is the object's creation time, RFC 3339. Older objects go first.
        """
        if key in self._running:
            return None
        self._waiting[key] = created
        free, place = self._free(), 0
        used: dict[str, int] = {}
        for other in self._in_order():
            namespace = other[0]
            fits = free > 0 and self._free_in(namespace) > used.get(namespace, 0)
            if fits:
                free -= 1
                used[namespace] = used.get(namespace, 0) + 1
            else:
                place += 1
            if other == key:
                break
        if fits:
            self.mark_running(key)
        return None if fits else place

    def release(self, key: Key) -> list[Key]:
        """Ends the object's pipeline. Returns the waiting objects, oldest first, since one of them may run now."""
        self._waiting.pop(key, None)
        if key not in self._running:
            return []
        self._running.discard(key)
        return self._in_order()

    def _in_order(self) -> list[Key]:
        return sorted(self._waiting, key=lambda key: (self._waiting[key], key))

    def _free(self) -> float:
        return self._limits.total - len(self._running) if self._limits.total else float("inf")

    def _free_in(self, namespace: str) -> float:
        if not self._limits.per_namespace:
            return float("inf")
        return self._limits.per_namespace - sum(key[0] == namespace for key in self._running)
