"""Directories of the cache: filled atomically, so that nobody sees a partial one, and removed when nobody uses them."""

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def key(inputs: Mapping[str, Path], *words: str) -> str:
    """The hash of a target's inputs: names and contents of files, and words."""
    digest = hashlib.sha256()
    for name, path in inputs.items():
        digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()} {name}\n".encode())
    for word in words:
        digest.update(f"{word}\n".encode())
    return digest.hexdigest()[:16]


def is_filled(target: Path) -> bool:
    """Whether a target is in the cache. Notes that it is used."""
    found = target.is_dir()
    if found:
        _used(target).touch()
    return found


def remove_unused(places: Iterable[Path], seconds: float) -> list[Path]:
    """Removes the targets in these places that nobody has used for so long, and what killed fills left.

    Returns what it removed.
    """
    found = [path for place in places for path in place.glob("*") if path.is_dir() and _age(path) > seconds]
    for path in found:
        shutil.rmtree(path)
        _used(path).unlink(missing_ok=True)
    return found


def _age(path: Path) -> float:
    """Seconds since a directory was made or used."""
    used = _used(path)
    return time.time() - max(path.stat().st_ctime, used.stat().st_mtime if used.exists() else 0.0)


def _used(target: Path) -> Path:
    return target.with_name(f".{target.name}.used")


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
