"""A lock between processes; the kernel releases it when its process ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from devcluster.lib.progress import say


@contextlib.contextmanager
def locked(path: Path, busy: str = "") -> Iterator[None]:
    """Holds the file's lock until the block ends. Prints `busy` before it waits for another holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if busy:
                say(busy)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
