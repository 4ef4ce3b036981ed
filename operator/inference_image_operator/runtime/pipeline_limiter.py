"""Who may have a pipeline at work: a cap for the installation and one for each namespace, first come, first served."""

from inference_image_operator.config.installation import Concurrency

Key = tuple[str, str]
"""Namespace and name."""


class PipelineLimiter:
    """Kept in memory: after a restart, those at work are taken over from their status before anybody is admitted."""

    def __init__(self, limits: Concurrency) -> None:
        self._limits = limits
        self._running: set[Key] = set()
        self._waiting: dict[Key, str] = {}

    def mark_running(self, key: Key) -> None:
        """This object has a pipeline at work already."""
        self._waiting.pop(key, None)
        self._running.add(key)

    def acquire(self, key: Key, created: str) -> int:
        """0 when the object may run, from then on until it is released; else its place in the queue, from 1.

        `created` is the object's creation time, RFC 3339: older objects go first.
        """
        if key in self._running:
            return 0
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
        return 0 if fits else place

    def release(self, key: Key) -> list[Key]:
        """The object's pipeline has ended; returns those that wait, oldest first, for one may have its turn now."""
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
