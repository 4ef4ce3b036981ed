"""The memory of this container: a process's peak, and out-of-memory kills."""

import resource
from pathlib import Path

_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
"""The files of cgroup v2 and v1 (kernel: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/memory.rst)."""


def peak_bytes() -> int:
    """The peak resident set of this process (getrusage(2) reports KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def kills(counters: tuple[Path, ...] = _COUNTERS) -> int | None:
    """The number of processes of this container that were killed out of memory; None when unknown."""
    for path in counters:
        try:
            lines = path.read_text("ascii").splitlines()
        except OSError:
            continue
        values = dict(line.split(" ", 1) for line in lines if " " in line)
        if "oom_kill" in values:
            return int(values["oom_kill"])
    return None
