"""Which files of the context a COPY or ADD puts where in the image. Reads modes and first bytes only."""

import posixpath
import stat
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from inference_image_build.append.config import Draft, clean
from inference_image_build.append.supported import unsupported
from inference_image_build.dockerfile import patterns
from inference_image_build.dockerfile.rules import Instruction

_ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, bzip2, xz and zstd files."""
_TAR = slice(257, 262), b"ustar"
_HEAD = 512
_OCTAL = 8
_MAX_ID = 2**32 - 2


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


class Place(NamedTuple):
    """The state before an instruction."""

    draft: Draft
    context: Path
    folders: Collection[str]
    """Absolute paths of known folders in the image."""
    name: str
    """Path of the Dockerfile, for messages."""


class _Owner(NamedTuple):
    uid: int
    gid: int
    mode: int | None
    explicit: bool
    """The instruction sets an owner or a mode, so folders have to be written, too."""


def collect(instruction: Instruction, place: Place) -> tuple[Entry, ...]:
    """The entries of one instruction, by path.

    A folder is written only if it is empty or the instruction sets its owner or mode. Runtimes create the other folders
    (root, mode 0755) and keep what the base has there, including owners and symbolic links.

    Raises ValueError with what is wrong with the instruction, StageError (`BuilderUnsupported`).
    """
    name = place.name
    owner = _owner(instruction, place.draft, name)
    words = instruction.arguments[:-1]
    sources = [path for word in words for path in _sources(place.draft.path(word), place.context)]
    target = _target(sources, instruction, place)
    found: dict[str, Entry] = {}
    for source in sources:
        if instruction.name == "ADD" and _is_archive(source):
            raise unsupported(name, instruction, f"ADD of the archive {source.name}, which Kaniko unpacks")
        for entry in _entries(source, target, owner):
            if not (entry.is_folder or stat.S_ISREG(entry.source.lstat().st_mode)):
                raise unsupported(name, instruction, f"{entry.source.name}, which is not a regular file")
            found[entry.path] = entry
    filled = () if owner.explicit else {str(parent) for path in found for parent in PurePosixPath(path).parents}
    return tuple(found[path] for path in sorted(found) if path not in filled)


def _sources(word: str, context: Path) -> list[Path]:
    """The files and folders that a word names. One that is not a pattern must exist."""
    relative = word.strip("/") or "."
    if relative == ".." or relative.startswith("../"):
        raise ValueError(f"{word!r} leads out of the build context")
    if patterns.is_pattern(relative):
        pattern = patterns.parse(relative)
        paths = sorted(context.rglob("*"), key=lambda path: path.relative_to(context).parts)
        return [path for path in paths if patterns.matches(pattern, path.relative_to(context).as_posix())]
    path = context / relative
    if not path.exists():
        raise ValueError(f"the source has no {relative}")
    return [path]


def _target(sources: list[Path], instruction: Instruction, place: Place) -> str:
    """The absolute destination; a trailing slash marks a folder."""
    word = instruction.arguments[-1]
    written = place.draft.path(word)
    path = written if written.startswith("/") else clean(f"{place.draft.folder}/{written}")
    if written in {".", "./"} or path.endswith("/") or path in place.folders:
        return path.rstrip("/") + "/"
    if len(sources) == 1 and sources[0].is_dir():
        return path + "/"
    if len(sources) > 1 or len(instruction.arguments) > 2:  # noqa: PLR2004 - a source and a destination
        raise ValueError(f"{instruction.name} with several sources needs a destination that ends in /")
    last = posixpath.basename(path)
    if sources and "." not in last and last != sources[0].name:
        what = f"the destination {word}, which may be a folder of the base image (if it is, end it with /)"
        raise unsupported(place.name, instruction, what)
    return path


def _entries(source: Path, target: str, owner: _Owner) -> Iterator[Entry]:
    if not source.is_dir():
        yield _entry(source, target + source.name if target.endswith("/") else target, owner, is_folder=False)
        return
    for path in [source, *source.rglob("*")]:
        is_folder = path.is_dir() and not path.is_symlink()
        place = posixpath.normpath(target + path.relative_to(source).as_posix())
        if not is_folder or (place != "/" and (owner.explicit or not any(path.iterdir()))):
            yield _entry(path, place, owner, is_folder=is_folder)


def _entry(source: Path, place: str, owner: _Owner, *, is_folder: bool) -> Entry:
    found = source.lstat()
    mode = stat.S_IMODE(found.st_mode) if owner.mode is None else owner.mode
    return Entry(place.lstrip("/"), source, mode, owner.uid, owner.gid, is_folder, 0 if is_folder else found.st_size)


def _owner(instruction: Instruction, draft: Draft, name: str) -> _Owner:
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in instruction.flags if "=" in flag)
    chown, chmod = draft.expand(flags.get("chown", "")), draft.expand(flags.get("chmod", ""))
    user, _, group = chown.partition(":")
    if any(part and not (part.isascii() and part.isdigit() and int(part) <= _MAX_ID) for part in (user, group)):
        raise unsupported(
            name,
            instruction,
            f"--chown={chown} (numeric ids only, because it does not read /etc/passwd of the base image)",
        )
    try:
        mode = int(chmod, _OCTAL) if chmod else None
    except ValueError:
        raise unsupported(name, instruction, f"--chmod={chmod} (octal numbers only)") from None
    return _Owner(int(user or 0), int(group or user or 0), mode, bool(chown or chmod))


def _is_archive(path: Path) -> bool:
    """Whether ADD would unpack this file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.startswith(_ARCHIVES) or head[_TAR[0]] == _TAR[1]
