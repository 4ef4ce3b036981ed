"""Which files of the context a COPY or ADD puts where in the image. Reads modes and first bytes only."""

import posixpath
import stat
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from inference_image_build.append.unsupported import Unsupported
from inference_image_build.builders import sources
from inference_image_build.builders.sources import Item, Source
from inference_image_build.dockerfile import modes
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State, within

_MAX_ID = 2**32 - 2
_FILE = 0o644
"""The mode of a heredoc."""


class Entry(NamedTuple):
    """One file or folder of a layer."""

    path: str
    """In the image, without a leading slash."""
    source: Path
    mode: int
    """Permission bits."""
    uid: int
    gid: int
    is_folder: bool
    size: int
    content: bytes | None = None
    """The content of a file that does not exist on disk."""


class _Owner(NamedTuple):
    uid: int
    gid: int
    mode: str
    """The value of `--chmod`, or empty."""
    is_explicit: bool
    """The instruction sets an owner or a mode, so folders have to be written, too."""


def collect(instruction: Instruction, state: State, context: Path, folders: Collection[str]) -> tuple[Entry, ...]:
    """The entries of one instruction, by path. `folders` are the absolute paths of known folders in the image.

    A folder is written only if it is empty or the instruction sets its owner or mode. Runtimes create the other folders
    (root, mode 0755) and keep what the base has there, including owners and symbolic links.

    Raises ValueError with what is wrong with the instruction, Unsupported.
    """
    owner = _owner(instruction, state)
    found: dict[str, Entry] = {}
    taken = sources.collect(instruction, state, context)
    target = _target(taken, instruction, state, folders)
    for source in taken:
        _check_archive(source, instruction)
        for item in source.items:
            if entry := _entry(item, source, target, owner):
                found[entry.path] = entry
    filled = {str(parent) for path in found for parent in PurePosixPath(path).parents}
    return tuple(found[path] for path in sorted(found) if owner.is_explicit or path not in filled)


def _check_archive(source: Source, instruction: Instruction) -> None:
    if instruction.name != "ADD" or source.is_folder or instruction.flag("unpack") not in {None, "", "true"}:
        return
    path = source.items[0].source
    kind = sources.archive(path)
    if source.items[0].text is None and (kind.is_tar or kind.is_zstd):
        raise Unsupported("ADD of an archive", f"ADD of the archive {path.name}, which ADD unpacks")


def _entry(item: Item, source: Source, target: str, owner: _Owner) -> Entry | None:
    """The entry of an item; None for the root folder."""
    place = posixpath.normpath(target + item.path) if source.is_folder or target.endswith("/") else target
    if item.text is not None:
        data = item.text.encode()
        mode = modes.applied(owner.mode, _FILE, is_folder=False) if owner.mode else _FILE
        return Entry(place.lstrip("/"), item.source, mode, owner.uid, owner.gid, False, len(data), data)
    found = item.source.lstat()
    if not (item.is_folder or stat.S_ISREG(found.st_mode)):
        raise Unsupported("COPY", f"{item.source.name}, which is not a regular file")
    if place == "/":
        return None
    mode = stat.S_IMODE(found.st_mode)
    mode = modes.applied(owner.mode, mode, is_folder=item.is_folder) if owner.mode else mode
    size = 0 if item.is_folder else found.st_size
    return Entry(place.lstrip("/"), item.source, mode, owner.uid, owner.gid, item.is_folder, size)


def _target(taken: tuple[Source, ...], instruction: Instruction, state: State, folders: Collection[str]) -> str:
    """The absolute destination; a trailing slash marks a folder."""
    word = instruction.arguments[-1]
    written = state.expand(word)
    path = within(state.folder, written)
    is_folder = written in {".", "./"} or written.endswith(("/", "/.")) or path in folders
    if is_folder or instruction.switch("parents") or (len(taken) == 1 and taken[0].is_folder):
        return path.rstrip("/") + "/"
    if len(taken) > 1 or len(instruction.arguments) > 2:  # noqa: PLR2004 - a source and a destination
        raise ValueError(f"{instruction.name} with several sources needs a destination that ends in /")
    last = posixpath.basename(path)
    if taken and "." not in last and last != taken[0].name:
        what = f"the destination {word}, which may be a folder of the base image (if it is, end it with /)"
        raise Unsupported("COPY", what)
    return path


def _owner(instruction: Instruction, state: State) -> _Owner:
    chown, chmod = state.expand(instruction.flag("chown") or ""), state.expand(instruction.flag("chmod") or "")
    user, _, group = chown.partition(":")
    if any(part and not (part.isascii() and part.isdigit() and int(part) <= _MAX_ID) for part in (user, group)):
        what = f"--chown={chown} (numeric ids only, because it does not read /etc/passwd of the base image)"
        raise Unsupported("COPY --chown=NAME:GROUP", what)
    if chmod and (clause := modes.fault(chmod)):
        raise ValueError(clause)
    return _Owner(int(user or 0), int(group or user or 0), chmod, bool(chown or chmod))
