"""One transfer while it runs: its deadline, its stall detector, its progress, and whether it was given up."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from inference_image_store import errors

INTERVAL = 1.5
"""Seconds between two lines of progress."""

_LOG = logging.getLogger(__name__)
_MIB = 1024 * 1024

Clock = Callable[[], float]


class CancelledError(Exception):
    """Another part of the same transfer failed, so this one stopped."""


@dataclass(frozen=True)
class Patience:
    """How slow a transfer may be, beside the timeouts of each request."""

    window: float = 30.0
    """Seconds in which one connection has to move `floor` bytes; otherwise it counts as broken."""
    floor: int = 256 * 1024
    grace: float = 120.0
    """Seconds that every transfer has, whatever its size."""
    rate: int = _MIB
    """Bytes a second that a transfer has to reach on the whole, after its grace."""

    def seconds(self, total: int) -> float:
        """How long a transfer of `total` bytes may take, all its attempts together."""
        return self.grace + total / self.rate


@dataclass(frozen=True)
class Progress:
    """How far a transfer is."""

    what: str
    done: int
    """Bytes."""
    total: int
    seconds: float

    def __str__(self) -> str:
        speed = self.done / self.seconds / 1e6 if self.seconds else 0.0
        return f"{self.what}: {self.done} of {self.total} bytes, {speed:.1f} MB/s"


Report = Callable[[Progress], None]


def log(progress: Progress) -> None:
    """Reports progress as a line of the log."""
    _LOG.info("%s", progress)


class Transfer:
    """Shared by all threads of one transfer."""

    def __init__(
        self,
        what: str,
        total: int,
        patience: Patience,
        report: Report = log,
        clock: Clock = time.monotonic,
    ) -> None:
        """`what` names it in messages, for example "download of object 'k' in bucket 'b'"."""
        self.what = what
        self.patience = patience
        self._total = total
        self._report = report
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._done = 0
        self._stopped = threading.Event()

    def check(self) -> None:
        """Raises StageError (`UFileUnavailable`) after the deadline, and CancelledError after `stop`."""
        if self._stopped.is_set():
            raise CancelledError
        limit = self.patience.seconds(self._total)
        if self._clock() - self._began > limit:
            raise errors.overdue(self.what, limit, self._done, self._total)

    def sleep(self, seconds: float) -> None:
        """A pause before another attempt, which neither the deadline nor `stop` waits for. Raises as `check`."""
        left = self.patience.seconds(self._total) - (self._clock() - self._began)
        self._stopped.wait(max(0.0, min(seconds, left)))
        self.check()

    def stop(self) -> None:
        """Ends every part of the transfer at its next step."""
        self._stopped.set()

    def resume(self) -> None:
        """Takes back `stop`, once every part has ended: another attempt may follow."""
        self._stopped.clear()

    def restart(self) -> None:
        """Begins to count anew."""
        with self._lock:
            self._done = 0

    def moved(self, count: int) -> None:
        """Counts bytes; a negative number takes back what has to be moved again."""
        with self._lock:
            self._done += count

    def tell(self) -> None:
        """Reports how far it is."""
        self._report(Progress(self.what, self._done, self._total, self._clock() - self._began))

    def watch(self, bucket: str, key: str) -> "Watch":
        """The eye on one body of this transfer."""
        return Watch(self, bucket, key, self._clock)


class Watch:
    """Called with the size of each piece of one body; ends a body that stalls or comes too late."""

    def __init__(self, transfer: Transfer, bucket: str, key: str, clock: Clock) -> None:
        self._transfer = transfer
        self._bucket = bucket
        self._key = key
        self._clock = clock
        self._began = clock()
        self._moved = self._total = 0

    def undo(self) -> None:
        """Takes back what was counted: the body has to be sent again as a whole."""
        self._transfer.moved(-self._total)
        self._total = 0

    def __call__(self, count: int) -> None:
        """Raises TransientError when fewer than `floor` bytes moved in a window; else as `Transfer.check`."""
        self._transfer.check()
        self._transfer.moved(count)
        self._moved += count
        self._total += count
        patience, now = self._transfer.patience, self._clock()
        if now - self._began < patience.window:
            return
        if self._moved < patience.floor:
            detail = f"only {self._moved} bytes moved in {now - self._began:.0f} s"
            raise errors.unavailable(self._bucket, self._key, detail)
        self._began, self._moved = now, 0
