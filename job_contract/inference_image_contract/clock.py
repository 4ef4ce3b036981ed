"""What a step's process spends its time on: the last line of its log, for `make bench-latency`.

This is the first module of the project that a step imports. A `Marks` begins when it is loaded.
"""

import os
import re
import time
from pathlib import Path
from typing import NamedTuple

_LINE = re.compile(r"took: interpreter ([0-9.]+) s, imports ([0-9.]+) s, work ([0-9.]+) s")
_START_TIME = 19
"""Index of `starttime` in /proc/PID/stat, counted after the name (proc_pid_stat(5))."""


class Took(NamedTuple):
    """Seconds of a process, from its creation to its last line."""

    interpreter: float
    """From the creation of the process, which is before its program starts, to the first module of the project."""
    imports: float
    work: float

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


def line(took: Took) -> str:
    """The line of the log."""
    return f"took: interpreter {took.interpreter:.3f} s, imports {took.imports:.3f} s, work {took.work:.3f} s"


def parse(text: str) -> Took | None:
    """What `line` wrote; None for any other text."""
    found = _LINE.fullmatch(text.strip())
    return Took(*map(float, found.groups())) if found else None


class Marks:
    """Points in time of this process, in seconds since the machine's start."""

    def __init__(self) -> None:
        self._loaded = self._imported = _now()

    def imported(self) -> None:
        """Ends the imports, and begins the work."""
        self._imported = _now()

    def took(self) -> Took | None:
        """The seconds so far; None where the kernel does not tell when the process began."""
        try:
            stat = Path("/proc/self/stat").read_text("ascii", errors="replace")
            began = started(stat) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return None
        return Took(max(0.0, self._loaded - began), self._imported - self._loaded, _now() - self._imported)


def started(stat: str) -> int:
    """When a process began, in clock ticks since the machine's start, from the text of /proc/PID/stat.

    Raises ValueError or IndexError for any other text.
    """
    return int(stat.rpartition(")")[2].split()[_START_TIME])


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


MARKS = Marks()
"""Those of this process."""
