"""Runs the tasks of one transfer in a few threads; the first failure stops them all."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from inference_image_store.transfers.transfer import INTERVAL, CancelledError, Transfer

WORKERS = min(4, (os.cpu_count() or 1) + 1)
"""Threads, and connections, of one transfer: one waits for I/O while the others compute."""

Task = Callable[[], None]
T = TypeVar("T")


def run(tasks: Iterable[Task], transfer: Transfer) -> None:
    """Starts every task in this order and reports progress until all have ended.

    Raises the exception of the first failed task, after all threads have ended.
    """
    queue = _Queue(tasks)
    try:
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="transfer") as pool:
            try:
                futures = [pool.submit(_work, queue, transfer) for _ in range(WORKERS)]
                while wait(futures, timeout=INTERVAL).not_done:
                    transfer.report()
            except BaseException:
                transfer.stop()
                raise
    finally:
        transfer.resume()
    _raise_first(futures)


def value(task: Callable[[], T], transfer: Transfer) -> T:
    """Runs one task and reports progress meanwhile. Returns its value, and raises what it raises."""
    found: list[T] = []
    run([lambda: found.append(task())], transfer)
    return found[0]


class _Queue:
    """An iterator that several threads share."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks: Iterator[Task] = iter(tasks)
        self._lock = threading.Lock()

    def take(self) -> Task | None:
        with self._lock:
            return next(self._tasks, None)


def _work(queue: _Queue, transfer: Transfer) -> None:
    try:
        while task := queue.take():
            transfer.check()
            task()
    except BaseException:
        transfer.stop()
        raise


def _raise_first(futures: list[Future[None]]) -> None:
    """Raises the original failure rather than a resulting CancelledError."""
    errors = [error for future in futures if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, CancelledError)):
        raise error
