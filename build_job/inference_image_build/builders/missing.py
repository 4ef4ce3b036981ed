"""Finds what COPY, ADD and RUN --mount take from the build context although it is not there. Pure."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath

from inference_image_build.builders import copies, sources
from inference_image_build.builders.features import Dockerfile
from inference_image_build.dockerfile import heredocs, mounts, parse, patterns
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_IGNORED = "which .dockerignore excludes"


def check(dockerfile: Dockerfile, context: Iterable[str], ignored: Iterable[str], name: str) -> None:
    """Refuses an instruction that takes something that the context does not have.

    `context` are the paths of its files, `ignored` those that .dockerignore excludes; `name` is the Dockerfile's path.
    A pattern may match nothing, and what depends on an unknown base image is left to the build.

    Raises StageError with the line: `CopySourceNotFound`, `DockerfileInvalid`.
    """
    there, excluded = _with_folders(context), _with_folders(ignored)
    for instruction, state in dockerfile.steps:
        if not dockerfile.built.has(instruction, state):
            continue
        for word in _taken(instruction, state):
            try:
                path = sources.inside(word)
                if patterns.is_pattern(path):
                    patterns.parse(path, folders=instruction.switch("parents"))
                elif path not in there:
                    why = _IGNORED if path in excluded else _absent(path, there)
                    raise _failure(instruction, path, name, why)
            except ValueError as error:
                raise parse.invalid(name, str(error), instruction.first_line) from error


def _with_folders(paths: Iterable[str]) -> Collection[str]:
    """The paths and every folder above them; the context itself is `.`."""
    found = {".", *paths}
    return found.union(*({str(folder) for folder in PurePosixPath(path).parents} for path in found))


def _taken(instruction: Instruction, state: State) -> Iterator[str]:
    """The words that name files of the context, as far as they are known."""
    if instruction.name in {"COPY", "ADD"} and instruction.flag("from") is None:
        for written in instruction.arguments[:-1]:
            word = None if heredocs.is_mark(written) else state.known(written)
            if word is not None and not (instruction.name == "ADD" and copies.is_remote(word)):
                yield word
    for text in instruction.values("mount") if instruction.name == "RUN" else ():
        mount = mounts.read(text, lambda word: state.known(word) or "")
        if mount.kind == "bind" and not mount.origin:
            yield mount.source


def _absent(path: str, there: Iterable[str]) -> str:
    """That a path is missing, and what may be meant: file systems of Windows and macOS find names of other letters."""
    near = next((other for other in sorted(there) if _alike(other) == _alike(path)), "")
    if not near:
        return "which is not in the source"
    looks_equal = unicodedata.normalize("NFC", near) == unicodedata.normalize("NFC", path)
    other = "a name that looks the same, of other Unicode characters" if looks_equal else near
    return f"which is not in the source, but {other} is"


def _alike(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _failure(instruction: Instruction, path: str, name: str, why: str) -> StageError:
    line = instruction.first_line
    hint = "Change .dockerignore" if why == _IGNORED else "Add the file to the source"
    return StageError(
        Reason.COPY_SOURCE_NOT_FOUND,
        f"{name}, line {line}: {instruction.name} takes {path}, {why}.",
        f"{hint}, or correct line {line} of {name}, whose paths begin at the top of the source, {REQUEST_AGAIN}",
    )
