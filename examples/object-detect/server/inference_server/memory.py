"""The memory of this container: what a process has taken of it, and whether the kernel killed one for it."""

import resource
from pathlib import Path

_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
"""Of control groups version 2 and version 1 (kernel: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/memory.rst)."""


def peak_bytes() -> int:
    """The highest resident set of this process so far (getrusage(2) tells KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def kills(counters: tuple[Path, ...] = _COUNTERS) -> int | None:
    """How many processes of this container were killed for want of memory; None when the kernel does not say."""
    for path in counters:
        try:
            lines = path.read_text("ascii").splitlines()
        except OSError:
            continue
        values = dict(line.split(" ", 1) for line in lines if " " in line)
        if "oom_kill" in values:
            return int(values["oom_kill"])
    return None
