"""`measure.py RESULT CGROUP PROGRAM ARGUMENT...`: runs a program and writes its cost; CGROUP may be empty.

A separate process, because the kernel counts the memory of the forking process in the child's peak.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(result: Path, cgroup: str, program: list[str]) -> int:
    """Returns the program's exit code."""
    if cgroup:
        Path(cgroup, "cgroup.procs").write_text(str(os.getpid()))
    begin = time.monotonic()
    process = subprocess.Popen(program)
    _, status, used = os.wait4(process.pid, 0)  # including the children that it waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    result.write_text(json.dumps({"seconds": time.monotonic() - begin, "peak": used.ru_maxrss << 10}))
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
