"""Runs a command on a terminal of its own and keeps what it wrote, and when."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

_BLOCK = 65536


class Written(NamedTuple):
    """A piece of output."""

    seconds: float
    """Since the start."""
    data: bytes


def record(
    argv: Sequence[str], columns: int, rows: int, *, cwd: Path, env: Mapping[str, str] | None = None
) -> tuple[int, list[Written]]:
    """The exit code and the output of a command that has a terminal of this size."""
    ours, theirs = pty.openpty()
    try:
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, **(env or {}), "TERM": "xterm-256color", "COLUMNS": str(columns)}
        with subprocess.Popen(
            argv, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as process:
            os.close(theirs)
            written = [*_output(ours)]
        return process.returncode, written
    finally:
        os.close(ours)


def _output(terminal: int) -> Iterator[Written]:
    began = time.monotonic()
    while select.select([terminal], [], [])[0]:
        try:
            data = os.read(terminal, _BLOCK)
        except OSError:  # EIO: the last process that had the other end is gone
            return
        if not data:
            return
        yield Written(time.monotonic() - began, data)
