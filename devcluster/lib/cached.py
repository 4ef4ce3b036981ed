"""Fills a directory of the cache all at once, so that nobody ever sees half of one."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def fill(target: Path) -> Iterator[Path]:
    """Yields a scratch directory; what is left as `result` in it becomes `target`.

    Two clones may fill the same target at once: the first to end wins, for equal inputs made both.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield scratch
        try:
            (scratch / "result").rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
