"""The state of one running transfer: deadline, stall detection, progress, cancellation."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from inference_image_contract import progress as contract
from inference_image_store import errors

INTERVAL = 1.5
"""Seconds between two progress lines."""

_LOG = logging.getLogger(__name__)
_MIB = 1024 * 1024

Clock = Callable[[], float]


class CancelledError(Exception):
    """This part stopped because another part of the same transfer failed."""


@dataclass(frozen=True)
class TransferTimeouts:
    """Limits for slow transfers, in addition to the timeouts of each request."""

    window: float = 30.0
    """Seconds in which a connection must transfer `floor` bytes; otherwise it counts as broken."""
    floor: int = 256 * 1024
    grace: float = 120.0
    """Seconds allowed for every transfer, whatever its size."""
    rate: int = _MIB
    """Minimal average bytes per second, after the grace period."""

    def seconds(self, total: int) -> float:
        """The deadline for a transfer of `total` bytes, over all its attempts."""
        return self.grace + total / self.rate


@dataclass(frozen=True)
class Progress:
    """The progress of a transfer."""

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
    """Logs the progress as one line: that of the contract, if bytes move."""
    what = progress.what.partition(" ")[0]
    if what in list(contract.What):
        _LOG.info("%s", contract.line(contract.Progress(contract.What(what), progress.done, progress.total)))
    else:
        _LOG.info("%s", progress)


class Transfer:
    """The state that all threads of one transfer share."""

    def __init__(
        self,
        what: str,
        total: int,
        transfer_timeouts: TransferTimeouts,
        report: Report = log,
        clock: Clock = time.monotonic,
    ) -> None:
        """`what` names it in messages, for example "download of object 'k' in bucket 'b'". Its first word is a verb."""
        self.what = what
        self.transfer_timeouts = transfer_timeouts
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
        limit = self.transfer_timeouts.seconds(self._total)
        if self._clock() - self._began > limit:
            raise errors.overdue(self.what, limit, self._done, self._total)

    def sleep(self, seconds: float) -> None:
        """Pauses before another attempt; the deadline and `stop` end the pause. Raises as `check`."""
        left = self.transfer_timeouts.seconds(self._total) - (self._clock() - self._began)
        self._stopped.wait(max(0.0, min(seconds, left)))
        self.check()

    def stop(self) -> None:
        """Stops every part of the transfer at its next step."""
        self._stopped.set()

    def resume(self) -> None:
        """Undoes `stop` after every part has ended, so that another attempt can follow."""
        self._stopped.clear()

    def restart(self) -> None:
        """Resets the byte count."""
        with self._lock:
            self._done = 0

    def moved(self, count: int) -> None:
        """Counts transferred bytes; a negative number removes bytes that must be transferred again."""
        with self._lock:
            self._done += count

    def report(self) -> None:
        """Reports the progress."""
        self._report(Progress(self.what, self._done, self._total, self._clock() - self._began))

    def watch(self, bucket: str, key: str) -> "Watch":
        """A watch for one body of this transfer."""
        return Watch(self, bucket, key, self._clock)


class Watch:
    """Called with the size of each chunk of one body; stops a body that stalls or exceeds the deadline."""

    def __init__(self, transfer: Transfer, bucket: str, key: str, clock: Clock) -> None:
        self._transfer = transfer
        self._bucket = bucket
        self._key = key
        self._clock = clock
        self._began = clock()
        self._moved = self._total = 0

    def undo(self) -> None:
        """Removes the counted bytes: the whole body must be sent again."""
        self._transfer.moved(-self._total)
        self._total = 0

    def __call__(self, count: int) -> None:
        """Raises TransientError when a window transfers fewer than `floor` bytes; else as `Transfer.check`."""
        self._transfer.check()
        self._transfer.moved(count)
        self._moved += count
        self._total += count
        transfer_timeouts, now = self._transfer.transfer_timeouts, self._clock()
        if now - self._began < transfer_timeouts.window:
            return
        if self._moved < transfer_timeouts.floor:
            detail = f"only {self._moved} bytes transferred in {now - self._began:.0f} s"
            raise errors.unavailable(self._bucket, self._key, detail)
        self._began, self._moved = now, 0
