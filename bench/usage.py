"""The resource usage of a process, from the kernel's accounting."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Usage since the start of the process, including its threads."""

    cpu_seconds: float
    resident_bytes: int
    peak_bytes: int


def usage(pid: int) -> Usage:
    """The usage of a running process."""
    directory = Path("/proc") / str(pid)
    return parse((directory / "stat").read_text(), (directory / "status").read_text())


def parse(stat: str, status: str) -> Usage:
    """Parses the texts of proc(5): /proc/PID/stat and /proc/PID/status."""
    after_name = stat.rpartition(")")[2].split()
    user, system = int(after_name[11]), int(after_name[12])
    memory = {key: int(value.split()[0]) << 10 for key, value in _pairs(status) if key in ("VmRSS", "VmHWM")}
    return Usage((user + system) / _TICKS, memory["VmRSS"], memory["VmHWM"])


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (line.partition(":") for line in text.splitlines())]
