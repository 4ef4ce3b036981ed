"""Fills a cache directory atomically, so that nobody sees a partial one."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def fill(target: Path) -> Iterator[Path]:
    """Yields a scratch directory; its `result` becomes `target` on exit.

    Two clones can fill the same target at once: the first to finish wins, because equal inputs give equal results.
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
