"""Batches: requests that wait are gathered, handed to the model together, and answered one by one."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from inference_server.config import Batching
from inference_server.model import Model


@dataclass(frozen=True)
class Waiting:
    """One request body on its way to the model."""

    body: bytes
    since: float
    """When it came, on the monotonic clock."""
    answer: Future[object] = field(default_factory=Future)


@dataclass(frozen=True)
class Failed:
    """In a result's place: the model failed on this request."""

    error: BaseException


def pause(waiting: int, expected: int, waited: float, batching: Batching) -> float:
    """Seconds that a batch of `waiting` requests should still wait for company; 0 to go.

    `expected` is how many clients asked lately. Half of them are enough: while the model works for one half, answers
    of the other are written and its requests read, so that neither side waits for the other. A single client never
    waits, and the oldest request waits `max_delay` at most (`waited`: seconds that it has waited).
    """
    if waiting >= min(batching.max_size, -(-expected // 2)):
        return 0.0
    return max(0.0, batching.max_delay - waited)


def outcomes(model: Model, bodies: Sequence[bytes]) -> list[object | Failed]:
    """What the model says to each body. When it fails on all of them together, each is asked alone.

    So one body that breaks the model costs the others time, but not their answers.
    """
    try:
        results = model.execute(bodies, len(bodies))
    except BaseException as error:  # noqa: BLE001 - the thread must go on, and every client must hear
        if len(bodies) == 1:
            return [Failed(error)]
        return [outcome for body in bodies for outcome in outcomes(model, [body])]
    if len(results) != len(bodies):
        broken = RuntimeError(f"execute returned {len(results)} results for {len(bodies)} requests")
        return [Failed(broken) for _ in bodies]
    return list(results)


class Batcher:
    """The queue in front of one model, and the one thread that asks it. First come, first served."""

    def __init__(self, model: Model, batching: Batching, executed: Callable[[int, float], None]) -> None:
        """`executed` is told of each batch: how many requests, and the seconds that the model took."""
        self._model = model
        self._batching = batching
        self._executed = executed
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._expected = 1
        threading.Thread(target=self._run, name="model", daemon=True).start()

    @property
    def length(self) -> int:
        """Requests that wait; those at the model are not counted."""
        return len(self._waiting)

    def ask(self, body: bytes) -> object:
        """The model's result for one body, in its turn. Raises what the model raised."""
        waiting = Waiting(body, time.monotonic())
        with self._changed:
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting.answer.result()

    def _run(self) -> None:
        while True:
            batch = self._gather()
            begun = time.monotonic()
            results = outcomes(self._model, [waiting.body for waiting in batch])
            self._executed(len(batch), time.monotonic() - begun)
            with self._changed:
                self._expected = len(batch) + len(self._waiting)
            for waiting, result in zip(batch, results, strict=True):
                if isinstance(result, Failed):
                    waiting.answer.set_exception(result.error)
                else:
                    waiting.answer.set_result(result)

    def _gather(self) -> list[Waiting]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            while seconds := self._pause():
                self._changed.wait(seconds)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batching.max_size))]

    def _pause(self) -> float:
        waited = time.monotonic() - self._waiting[0].since
        return pause(len(self._waiting), self._expected, waited, self._batching)
