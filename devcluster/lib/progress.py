"""Narrated progress: one line per step, with the seconds it took."""

import contextlib
import sys
import time
from collections.abc import Iterator

STARTED = time.monotonic()


def say(text: str) -> None:
    """One line, with the seconds since the command began."""
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str, expect: str = "") -> Iterator[None]:
    """Announces a step that may be long (`expect` says how long) and tells when it is done or broken."""
    began = time.monotonic()
    if expect:
        say(f"{title} ... ({expect})")
    try:
        yield
    except BaseException:
        say(f"{title}: FAILED after {time.monotonic() - began:.1f} s")
        raise
    say(f"{title}: done in {time.monotonic() - began:.1f} s")
