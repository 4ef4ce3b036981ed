"""Batching: collects waiting requests, runs the model on them together, and answers each."""

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
    """One queued request body."""

    body: bytes
    since: float
    """Time of arrival on the monotonic clock."""
    answer: Future[object] = field(default_factory=Future)


@dataclass(frozen=True)
class Failed:
    """In place of a result: the model failed on this request."""

    error: BaseException


def pause(waiting: int, expected: int, waited: float, batching: Batching) -> float:
    """Seconds that a batch of `waiting` requests waits for more; 0 to run now.

    `expected` is the number of recent clients. Half of them are enough: while the model runs for one half, the server
    writes the other half's answers and reads its next requests, so neither waits for the other. A single client
    never waits, and the oldest request waits at most `max_delay` (`waited`: its seconds so far).
    """
    if waiting >= min(batching.max_size, -(-expected // 2)):
        return 0.0
    return max(0.0, batching.max_delay - waited)


def outcomes(model: Model, bodies: Sequence[bytes]) -> list[object | Failed]:
    """The model's result for each body. When it fails on the batch, it runs on each body alone.

    So one bad body costs the others time, but not their answers.
    """
    try:
        results = model.execute(bodies, len(bodies))
    except BaseException as error:  # noqa: BLE001 - the thread must continue, and every client needs a reply
        if len(bodies) == 1:
            return [Failed(error)]
        return [outcome for body in bodies for outcome in outcomes(model, [body])]
    if len(results) != len(bodies):
        broken = RuntimeError(f"execute returned {len(results)} results for {len(bodies)} requests")
        return [Failed(broken) for _ in bodies]
    return list(results)


class Batcher:
    """The first-in, first-out queue of one model, and the thread that runs it.

    A single client's requests run in their own threads: to hand each over and back would cost it two switches.
    """

    def __init__(self, model: Model, batching: Batching, executed: Callable[[int, float], None]) -> None:
        """`executed` is called for each batch with its number of requests and the model's seconds."""
        self._model = model
        self._batching = batching
        self._executed = executed
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._running = threading.Lock()
        self._expected = 1
        threading.Thread(target=self._run, name="model", daemon=True).start()

    @property
    def length(self) -> int:
        """The number of waiting requests, without those that the model runs."""
        return len(self._waiting)

    def ask(self, body: bytes) -> object:
        """The model's result for one body, after it waits its turn. Raises what the model raises."""
        waiting = Waiting(body, time.monotonic())
        with self._changed:
            alone = self._expected == 1 and not self._waiting and self._running.acquire(blocking=False)
            if not alone:
                self._waiting.append(waiting)
                self._changed.notify()
        if alone:
            try:
                self._answer([waiting])
            finally:
                self._running.release()
        return waiting.answer.result()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
            with self._running:
                self._answer(self._gather())

    def _answer(self, batch: Sequence[Waiting]) -> None:
        """Runs the model, for a thread that holds `_running`."""
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
            while seconds := self._pause():
                self._changed.wait(seconds)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batching.max_size))]

    def _pause(self) -> float:
        waited = time.monotonic() - self._waiting[0].since
        return pause(len(self._waiting), self._expected, waited, self._batching)
