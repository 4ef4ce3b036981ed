"""Runs programs from argument lists; errors show what the program printed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 15


class CommandError(RuntimeError):
    """A program failed; the message contains the exit code and its last lines of output."""


class NotReadyError(RuntimeError):
    """A wait reached its deadline; the message describes the last state."""


def tail(text: str, lines: int = LAST_LINES) -> str:
    """The last lines of a log, indented."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
    timeout: float | None = None,
) -> str:
    """Runs a program to completion and returns its standard output. `text` is its standard input.

    Raises CommandError when it fails and subprocess.TimeoutExpired after `timeout` seconds.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words, cwd=cwd, env=env, input=text, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        said = tail(done.stderr or done.stdout)
        raise CommandError(f"{' '.join(words[:4])} ... failed with exit code {done.returncode}:\n{said}")
    return done.stdout
