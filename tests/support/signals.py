"""SIGINT as a program of a terminal gets it: what a shell starts in the background ignores it, with its children."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGINT raises KeyboardInterrupt in this process and in those that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
