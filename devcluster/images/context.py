"""The build context of an image: exactly the files that its Dockerfile copies, and a hash of their content."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

IGNORED = ("__pycache__", ".mypy_cache", ".ruff_cache")
COPY = re.compile(r"^\s*(?:COPY|ADD)\s+(?P<words>.+)$", re.IGNORECASE)
CONTINUED = re.compile(r"\\\n")


def copied(dockerfile: str) -> list[str]:
    """The paths that COPY and ADD read from the context, in order."""
    sources = []
    for line in CONTINUED.sub(" ", dockerfile).splitlines():
        found = COPY.match(line)
        if found:
            words = found["words"].split()
            options = [word for word in words if word.startswith("--")]
            if not any(option.startswith("--from=") for option in options):
                sources += [word.rstrip("/") for word in words[len(options) : -1]]
    return sources


def files(root: Path, sources: list[str]) -> Iterator[tuple[str, Path]]:
    """Every file below the sources: path in the context and path on disk. Raises FileNotFoundError."""
    for source in sources:
        place = root / source
        if not place.exists():
            raise FileNotFoundError(f"The Dockerfile copies {source}, which does not exist in {root}.")
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and not any(part in IGNORED for part in path.parts):
                yield path.relative_to(root).as_posix(), path


def gather(root: Path, dockerfile: Path, extra: Mapping[str, Path]) -> dict[str, Path]:
    """The whole context: path in the context -> file. `extra` adds files from outside the repository."""
    wanted = [source for source in copied(dockerfile.read_text()) if source not in extra]
    return dict(files(root, wanted)) | dict(extra)


def key(dockerfile: Path, context: Mapping[str, Path], *settings: str) -> str:
    """The cache key of an image: a hash of all its inputs."""
    digest = hashlib.sha256("\0".join([*settings, dockerfile.read_text()]).encode())
    for name, path in sorted(context.items()):
        mode = "x" if os.access(path, os.X_OK) else "-"
        digest.update(f"\0{name}\0{mode}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def stage(context: Mapping[str, Path], target: Path) -> None:
    """Copies the context into a folder, with the epoch as modification time: equal content makes equal layers."""
    for name, path in context.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    for path in [target, *target.rglob("*")]:
        os.utime(path, (0, 0))
