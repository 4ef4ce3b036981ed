"""How far a step is: a line of its log, at most one a second, that a person reads and the plugin parses.

It costs no request: nobody writes it anywhere else. The words are fixed, so that a line has no key and no secret.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

SECONDS = 1.0
"""Between two lines."""

_DIGITS = r"[0-9]{1,18}"


class What(StrEnum):
    """What is being done."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    COPY = "copy"
    CHECK = "check"
    PUSH = "push"


class Unit(StrEnum):
    """What is counted."""

    BYTES = "bytes"
    TENSORS = "tensors"


class Progress(NamedTuple):
    """So much of a whole."""

    what: What
    done: int
    total: int
    unit: Unit = Unit.BYTES


_LINE = re.compile(rf"progress: ({'|'.join(What)}) ({_DIGITS}) of ({_DIGITS}) ({'|'.join(Unit)})")
_END = re.compile(rf"(?:(?:[a-z: ]*{_DIGITS} )?o?f? )?[0-9]{{0,18}} ?(?:{'|'.join(Unit)})")
"""A line without its beginning: a termination message is the end of a log, by bytes."""


def line(progress: Progress) -> str:
    """The line."""
    done = min(max(progress.done, 0), progress.total)
    return f"progress: {progress.what} {done} of {progress.total} {progress.unit}"


def parse(text: str) -> Progress | None:
    """What `line` wrote; None for any other text."""
    found = _LINE.fullmatch(text.strip())
    return Progress(What(found[1]), int(found[2]), int(found[3]), Unit(found[4])) if found else None


def latest(log: str) -> Progress | None:
    """The progress that the end of a log shows; None if the step has said anything else since."""
    lines = log.rstrip().splitlines()
    return parse(lines[-1]) if lines else None


def without(text: str) -> str:
    """The end of a log without its lines of progress."""
    first, *rest = text.splitlines(keepends=True) or [""]
    kept = [] if _END.fullmatch(first.strip()) or parse(first) else [first]
    return "".join([*kept, *(each for each in rest if not parse(each))])


class Meter:
    """Prints how far something is, at most once in `SECONDS`."""

    def __init__(
        self, what: What, total: int, unit: Unit = Unit.BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.done = 0
        self._what, self._total, self._unit = what, total, unit
        self._clock = clock
        self._printed = clock()

    def at(self, done: int) -> None:
        """So much is done."""
        self.done = done
        now = self._clock()
        if now - self._printed >= SECONDS:
            self._printed = now
            print(line(Progress(self._what, done, self._total, self._unit)), file=sys.stderr, flush=True)

    def counting(self, content: Callable[[], Iterable[bytes]]) -> Callable[[], Iterator[bytes]]:
        """The same content. Its bytes count on top of what is done now, also when it is read again from its start."""
        before = self.done

        def counted() -> Iterator[bytes]:
            done = before
            for piece in content():
                yield piece
                done += len(piece)
                self.at(done)

        return counted
