"""Which files of the context a COPY or ADD takes, and where they lie below its destination. Reads names and types."""

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from inference_image_build.builders.copies import is_remote
from inference_image_build.dockerfile import heredocs, ignore, patterns
from inference_image_build.dockerfile.ignore import Rule
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State

_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, bzip2, xz and zstd files."""
_ZSTD = _PACKED[3]
_TAR = slice(257, 262), b"ustar"
_HEAD = 512
_PIVOT = "/./"


class MissingError(ValueError):
    """The context does not have a file that an instruction names."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the source has no {word}")
        self.word = word


class Item(NamedTuple):
    """One file or folder that is copied."""

    path: str
    """Below the destination; empty for the destination itself."""
    source: Path
    is_folder: bool
    text: str | None = None
    """The content of a heredoc; `source` is its name only."""


class Source(NamedTuple):
    """What one source of an instruction copies: a file, or the contents of a folder."""

    name: str
    is_folder: bool
    items: tuple[Item, ...]


def collect(instruction: Instruction, state: State, context: Path) -> tuple[Source, ...]:
    """The sources in order, without URLs. A pattern that matches nothing has none, as in BuildKit.

    Raises ValueError with what is wrong with the instruction.
    """
    rules = tuple(_rule(state.expand(pattern)) for pattern in instruction.values("exclude"))
    words = [state.expand(word) for word in instruction.arguments[:-1] if not heredocs.is_mark(word)]
    words = [word for word in words if not (instruction.name == "ADD" and is_remote(word))]
    found = (_with_parents if instruction.switch("parents") else _plain)(words, context)
    kept = (_without(source, rules) for source in found)
    return (*(source for source in kept if source.items), *_documents(instruction, state))


def _plain(words: Iterable[str], context: Path) -> Iterator[Source]:
    for word in words:
        for path in matches(word, context):
            if path.is_dir():
                yield Source(path.name, True, tuple(_below(path)))
            else:
                yield Source(path.name, False, (Item(path.name, path, is_folder=False),))


def _with_parents(words: Iterable[str], context: Path) -> Iterator[Source]:
    """Files keep their path below the context, or below the part before `/./`."""
    for word in words:
        start, pivot, rest = word.partition(_PIVOT)
        pattern = inside(rest if pivot else word)
        if not patterns.is_pattern(word) and not (context / (start if pivot else "") / pattern).exists():
            raise MissingError(word)
        rule = patterns.parse(pattern, folders=True) if pattern != "." else None
        for folder in matches(start, context) if pivot else [context]:
            items = [
                item
                for item in _below(folder)
                if item.path and (rule is None or patterns.matches(rule, item.path, below=True))
            ]
            yield Source("", True, tuple(items))


def _documents(instruction: Instruction, state: State) -> Iterator[Source]:
    for found in heredocs.documents(instruction):
        text = state.document(found.text) if found.expands else found.text
        yield Source(found.name, False, (Item(found.name, Path(found.name), False, text),))


def matches(word: str, context: Path) -> list[Path]:
    """The files and folders that a word names. One that is not a pattern must exist. Raises ValueError."""
    relative = inside(word)
    if patterns.is_pattern(relative):
        pattern = patterns.parse(relative)
        paths = sorted(context.rglob("*"), key=lambda path: path.relative_to(context).parts)
        return [path for path in paths if patterns.matches(pattern, path.relative_to(context).as_posix())]
    return [found(relative, context)]


def found(word: str, context: Path) -> Path:
    """The file or folder with this name. Raises ValueError."""
    path = context / inside(word)
    if not path.exists():
        raise MissingError(inside(word))
    return path


def inside(word: str) -> str:
    """The path of a word below the context; `..` does not lead out of it. Raises ValueError for one that tries to."""
    clean = Path("/", *(part for part in word.split("/") if part not in {"", "."}))
    if ".." in clean.parts:
        depth = 0
        for part in clean.parts[1:]:
            depth += -1 if part == ".." else 1
            if depth < 0:
                raise ValueError(f"{word!r} leads out of the build context")
    return ignore.cleaned(clean.as_posix()).strip("/") or "."


def _below(folder: Path) -> Iterator[Item]:
    yield Item("", folder, is_folder=True)
    for path in sorted(folder.rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        yield Item(path.relative_to(folder).as_posix(), path, is_folder)


def _rule(pattern: str) -> Rule:
    keeps = pattern.startswith("!")
    return Rule(keeps, patterns.parse(ignore.cleaned(pattern.removeprefix("!")), folders=True))


def _without(source: Source, rules: tuple[Rule, ...]) -> Source:
    """The source without what `--exclude` names. A folder stays if something in it is copied."""
    if not rules:
        return source
    kept = [item for item in source.items if not item.path or not ignore.ignores(rules, item.path)]
    return source._replace(items=tuple(kept))


class Archive(NamedTuple):
    """How ADD sees a file that it may unpack."""

    is_tar: bool
    is_zstd: bool
    """Packed with zstd, which nothing here can open: it may be an archive."""


def archive(path: Path) -> Archive:
    """Whether ADD unpacks the file: BuildKit does if the first header of an archive can be read."""
    if not path.is_file():
        return Archive(is_tar=False, is_zstd=False)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_ZSTD):
        return Archive(is_tar=False, is_zstd=True)
    if not head.startswith(_PACKED) and head[_TAR[0]] != _TAR[1]:
        return Archive(is_tar=False, is_zstd=False)
    try:
        with tarfile.open(path) as opened:
            return Archive(is_tar=opened.next() is not None, is_zstd=False)
    except (tarfile.TarError, OSError, EOFError):
        return Archive(is_tar=False, is_zstd=False)


def is_xz(path: Path) -> bool:
    """Whether the file is packed with xz."""
    with path.open("rb") as file:
        return file.read(len(_PACKED[2])) == _PACKED[2]
