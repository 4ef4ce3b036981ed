"""Runs programs: argument lists only, and an error that shows what the program said."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 15


class CommandError(RuntimeError):
    """A program ended with another code than 0; the message holds its last lines."""


class NotReadyError(RuntimeError):
    """Something that was waited for did not come; the message says what was seen last."""


def tail(text: str, lines: int = LAST_LINES) -> str:
    """The last lines of a log, indented for a message."""
    return "\n".join("    " + line for line in text.rstrip().splitlines()[-lines:])


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str | None = None,
    timeout: float | None = None,
) -> str:
    """Runs a program to its end and returns its standard output. `text` is its standard input.

    Raises CommandError when it fails, subprocess.TimeoutExpired when it takes longer than `timeout` seconds.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(
        words, cwd=cwd, env=env, input=text, capture_output=True, text=True, timeout=timeout, check=False
    )
    if done.returncode:
        said = tail(done.stderr or done.stdout)
        raise CommandError(f"{' '.join(words[:4])} ... ended with code {done.returncode}:\n{said}")
    return done.stdout
