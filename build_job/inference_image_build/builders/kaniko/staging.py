"""Writes files into the context for instructions that Kaniko cannot do by itself, below `.inference-image/`."""

import hashlib
import lzma
import os
import shutil
import stat
from pathlib import Path

from inference_image_build.builders.sources import Item, Source
from inference_image_build.dockerfile import modes
from inference_image_contract import paths

FOLDER = ".inference-image"
"""Holds what `assemble` adds to the context."""
_FILE, _FOLDER, _SCRIPT = 0o644, 0o755, 0o755


def copies(context: Path, line: int, taken: tuple[Source, ...], mode: str) -> list[str]:
    """Writes the sources of the instruction on this line; returns their paths in the context.

    Files are links to those of the context unless `mode` (letters, or an octal number with special bits) changes them.
    """
    found = []
    for number, source in enumerate(taken):
        place = _folder(context / FOLDER / f"line-{line}" / str(number))
        for item in source.items:
            _write(item, place / item.path if item.path else place, mode)
        ending = "" if source.is_folder else source.name
        found.append(f"{place.relative_to(context).as_posix()}/{ending}")
    _settle(context / FOLDER)
    return found


def unpacked(context: Path, line: int, source: Source) -> str:
    """Writes an archive that is packed with xz, which Kaniko cannot read, as a plain one; returns its path."""
    place = _folder(context / FOLDER / f"line-{line}" / "archives") / f"{source.name}.tar"
    with lzma.open(source.items[0].source) as packed, place.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    _settle(context / FOLDER)
    return place.relative_to(context).as_posix()


def script(context: Path, name: str, text: str) -> str:
    """Writes a heredoc that is a program; returns its absolute path in Kaniko's container.

    The path has the hash of the content, because Kaniko's cache of RUN goes by the command line.
    """
    data = text.encode()
    place = _folder(context / FOLDER / "run" / hashlib.sha256(data).hexdigest()[:16]) / name
    place.write_bytes(data)
    place.chmod(_SCRIPT)
    _settle(context / FOLDER)
    return f"{paths.CONTEXT}/{place.relative_to(context).as_posix()}"


def _write(item: Item, target: Path, mode: str) -> None:
    _folder(target.parent)
    if item.text is not None:
        target.write_text(item.text)
        target.chmod(_changed(mode, _FILE, is_folder=False))
        return
    before = stat.S_IMODE(item.source.stat().st_mode)
    after = _changed(mode, before, is_folder=item.is_folder)
    if item.is_folder:
        target.mkdir(exist_ok=True)
        target.chmod(after)
    elif after == before:
        target.hardlink_to(item.source)
    else:
        shutil.copyfile(item.source, target)
        target.chmod(after)


def _changed(mode: str, before: int, *, is_folder: bool) -> int:
    return modes.applied(mode, before, is_folder=is_folder) if mode else before


def _folder(path: Path) -> Path:
    """Makes a folder and those above it, readable by all whatever the umask."""
    for part in (*reversed(path.parents), path):
        if not part.exists():
            part.mkdir()
            part.chmod(_FOLDER)
    return path


def _settle(folder: Path) -> None:
    """Everything has the time 0, as in the context."""
    for parent, _, names in os.walk(folder, topdown=False):
        for path in (*(Path(parent, name) for name in names), Path(parent)):
            os.utime(path, (0, 0))
