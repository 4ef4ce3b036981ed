"""A work queue: keyed, deduplicating, one worker per key, with delays and jittered back-off."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar

from inference_image_operator.diagnosis.pending import Check
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime.log import about
from inference_image_operator.runtime.turns import Turns

log = logging.getLogger(__name__)

FIRST_DELAY = 0.25
MAX_DELAY = 30.0
CHECKS_PER_SECOND = 10
"""On average, however many objects wait: for each the API server compares the labels of all pods in the namespace."""

K = TypeVar("K", bound=Hashable)


class Meter(Protocol):
    """What a queue tells about its work."""

    def waited(self, seconds: float, left: int) -> None:
        """Work begins `seconds` after it was due; `left` other keys are due."""

    def reconciled(self, result: str, seconds: float) -> None:
        """Work has ended: `done`, `conflict` (another client wrote in between) or `error`."""


class Queue(Generic[K]):
    """Runs `work` for every added key: never twice at once for one key, and again if the key is added meanwhile.

    `work` returns the seconds until the key is due again, or None. If it raises, the queue retries the key after a
    delay that doubles up to 30 s, and not before the API server's Retry-After.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        workers: int,
        describe: Callable[[K], dict[str, str]] = lambda _: {},
        meter: Meter | None = None,
        turns: Turns[K] | None = None,
    ) -> None:
        """`describe` gives the fields that name a key in every line of the log about it.

        `turns` decides whose key is next. Without it, the keys are taken in the order in which they are due.
        """
        self._work = work
        self._describe = describe
        self._meter = meter
        self._workers = workers
        self._ready = turns or Turns(lambda _: None, workers)
        self._waiting: dict[K, float] = {}
        self._active: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._checks: set[K] = set()
        """The keys whose timer is a check."""
        self._failures: dict[K, int] = {}
        self._not_before: dict[K, float] = {}

    def add(self, key: K, after: float = 0) -> None:
        """Makes the key due in `after` seconds, or earlier if it is due earlier; never before its back-off ends.

        A `Check` comes later if more keys wait for theirs than `CHECKS_PER_SECOND` allows.
        """
        if is_check := isinstance(after, Check):
            after = max(after, len(self._checks) / CHECKS_PER_SECOND)
        loop = asyncio.get_running_loop()
        now = loop.time()
        earliest = self._not_before.get(key, 0)
        due = max(now + after, earliest)
        timer = self._timers.get(key)
        if timer is not None:
            if earliest <= timer.when() <= due:
                return
            timer.cancel()
        self._checks.discard(key)
        if due <= now:
            self._due(key)
            return
        self._timers[key] = loop.call_at(due, self._due, key)
        if is_check:
            self._checks.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self._checks.discard(key)
        if key in self._active:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().time()
            self._ready.put(key)

    async def run(self) -> None:
        """Runs the workers until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._worker())
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
            self._checks.clear()

    async def _worker(self) -> None:
        while True:
            key = await self._ready.take()
            began = asyncio.get_running_loop().time()
            due = self._waiting.pop(key)
            self._active.add(key)
            if self._meter:
                self._meter.waited(began - due, len(self._waiting))
            after, result = await self._once(key)
            if self._meter:
                self._meter.reconciled(result, asyncio.get_running_loop().time() - began)
            self._active.discard(key)
            self._ready.done(key)
            if key in self._again:
                self._again.discard(key)
                after = 0
            if after is not None:
                self.add(key, after)

    async def _once(self, key: K) -> tuple[float | None, str]:
        """The seconds until the key is due again, and how the work ended."""
        with about(self._describe(key)):
            return await self._try(key)

    async def _try(self, key: K) -> tuple[float | None, str]:
        try:
            after = await self._work(key)
        except ApiError as error:
            return self._delay(key, error), "conflict" if error.status == HTTPStatus.CONFLICT else "error"
        except Exception:
            log.exception("reconcile failed")
            return self._delay(key, None), "error"
        self._failures.pop(key, None)
        self._not_before.pop(key, None)
        return after, "done"

    def _delay(self, key: K, error: ApiError | None) -> float:
        if error is not None and error.status == HTTPStatus.CONFLICT:
            return FIRST_DELAY * random.uniform(0.5, 1)  # noqa: S311 - spreads load, not for security
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(MAX_DELAY, FIRST_DELAY * 2.0 ** (failures - 1)) * random.uniform(0.75, 1)  # noqa: S311
        if error is not None:
            delay = max(delay, error.retry_after or 0)
            log.warning("reconcile failed, retrying in %.1f s: %s", delay, error)
        self._not_before[key] = asyncio.get_running_loop().time() + delay
        return delay
