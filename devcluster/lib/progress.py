"""Progress for people: one line per step, with its duration."""

import contextlib
import sys
import time
from collections.abc import Iterator

STARTED = time.monotonic()


def say(text: str) -> None:
    """Prints one line with the seconds since the command began."""
    print(f"{time.monotonic() - STARTED:7.1f} s  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str, expect: str = "") -> Iterator[None]:
    """Prints the start of a step (`expect` says how long it takes), then its end or failure."""
    began = time.monotonic()
    if expect:
        say(f"{title} ... ({expect})")
    try:
        yield
    except BaseException:
        say(f"{title}: failed after {time.monotonic() - began:.1f} s")
        raise
    say(f"{title}: done in {time.monotonic() - began:.1f} s")
