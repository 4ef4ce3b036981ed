"""The features of COPY and ADD. Pure."""

import re
from collections.abc import Iterator

from inference_image_build.builders import users
from inference_image_build.dockerfile import heredocs, modes, patterns
from inference_image_build.dockerfile.rules import REMOTE, Instruction
from inference_image_build.dockerfile.stages import State, within

_GIT = re.compile(r"(?:git://|ssh://|git@|[\w.+-]+@[\w.-]+:)|https?://[^?#]*\.git(?:[?#].*)?$")
_ARCHIVE = re.compile(r"\.(?:tar|tar\.(?:gz|bz2|xz|zst|Z)|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/var/run", "/var/lock")
"""Folders that are symbolic links in the images of most distributions."""


def is_git(word: str) -> bool:
    """Whether ADD takes this source for a Git repository."""
    return _GIT.match(word) is not None


def is_remote(word: str) -> bool:
    """Whether ADD fetches this source."""
    return word.startswith(REMOTE) or is_git(word)


def features(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    """Each feature with its value, or with an empty text."""
    name = instruction.name
    if instruction.flag("from") is not None:
        yield "COPY --from", ""
        yield "COPY --from of a link", "COPY --from"
        yield "COPY --from of a folder into an existing one", "COPY --from"
    else:
        if not instruction.flag("chown"):
            yield name, ""
        if name == "COPY":
            yield "COPY of a folder into an existing one", ""
    yield from ((f"{name} --{feature}", what) for feature, what in _flags(instruction, state))
    yield from ((f"{name} {feature}", what) for feature, what in _sources(instruction, state))
    target = state.known(instruction.arguments[-1])
    if target is not None and within(state.folder, target).startswith(tuple(f"{link}/" for link in _LINKS)):
        yield f"{name} to a folder that may be a link", f"{name} to {target}, which may be a link of the base image"


def _flags(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    name, is_copied = instruction.name, instruction.flag("from") is not None
    if owner := instruction.flag("chown"):
        yield from _owner(state.known(owner), f"{name} --chown={owner}")
    if mode := instruction.flag("chmod"):
        yield from _mode(state.known(mode), f"{name} --chmod={mode}", is_copied=is_copied)
    for flag in ("link", "parents", "keep-git-dir"):
        if instruction.switch(flag):
            yield (f"{flag} --from" if is_copied and flag == "parents" else flag), ""
    if instruction.flag("keep-git-dir") is not None and not instruction.switch("keep-git-dir"):
        yield "keep-git-dir", ""
    if instruction.flag("exclude") is not None:
        yield ("exclude --from" if is_copied else "exclude"), f"{name} --exclude"
    if instruction.flag("checksum") is not None:
        yield "checksum", ""
    if instruction.flag("unpack") is not None:
        yield f"unpack={str(instruction.switch('unpack')).lower()}", ""


def _owner(owner: str | None, what: str) -> Iterator[tuple[str, str]]:
    if owner is None:
        return
    parts = [part for part in owner.split(":") if part]
    if all(part.isascii() and part.isdigit() for part in parts):
        yield "chown=UID:GID", what
    elif len(parts) == 1:
        yield ("chown=NAME" if users.is_name_alone(owner) else "chown=NAME, no RUN"), what
    else:
        yield "chown=NAME:GROUP", what


def _mode(mode: str | None, what: str, *, is_copied: bool) -> Iterator[tuple[str, str]]:
    number = modes.octal(mode) if mode is not None else 0
    if number is None:
        yield ("chmod=LETTERS --from" if is_copied else "chmod=LETTERS"), what
    elif number & modes.SPECIAL:
        yield ("chmod=4755 --from" if is_copied else "chmod=4755"), what
    else:
        yield "chmod=755", what


def _sources(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    name = instruction.name
    unpacks = instruction.flag("unpack") is None or instruction.switch("unpack")
    for word in instruction.arguments[:-1]:
        source = word if heredocs.is_mark(word) else state.known(word)
        if source is None:
            continue
        if heredocs.is_mark(source):
            yield "with a heredoc", ""
        elif name == "ADD" and is_git(source):
            yield "of a Git repository", ""
        elif name == "ADD" and is_remote(source):
            yield ("of a URL, unpacked" if instruction.switch("unpack") else "of a URL"), ""
        elif name == "ADD" and unpacks and _ARCHIVE.search(source):
            yield _archive(source, instruction), f"ADD of the archive {source}"
        elif patterns.is_pattern(source):
            yield "of a pattern", ""


def _archive(source: str, instruction: Instruction) -> str:
    if instruction.flag("chown"):
        return "of an archive with --chown"
    ending = source.lower().rpartition(".")[2]
    if ending in {"xz", "txz"}:
        return "of an archive (xz)"
    return "of an archive (zstd)" if ending in {"zst", "tzst"} else "of an archive"
