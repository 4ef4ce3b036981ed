"""Which files of the context each COPY and ADD of a Dockerfile copies, judged by their names only. Pure.

Leaves out what needs the base image or a build: other build stages, URLs, variables of the base.
"""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from inference_image_build.dockerfile import patterns, platforms
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.variables import expand

_NAME = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_REMOTE = ("http://", "https://", "git://", "git@", "ssh://", "<<")
_NOT_BY_NAME = ("--from=", "--exclude=")
"""Flags with which names alone do not determine the copied files."""


class File(NamedTuple):
    """A file of the context."""

    path: str
    size: int
    """Most bytes that it may have."""
    least: int
    """Fewest bytes after compression."""


class Copied(NamedTuple):
    """The files that one instruction copies."""

    instruction: Instruction
    files: tuple[File, ...]


Item = TypeVar("Item")


def copied(
    instructions: tuple[Instruction, ...], files: Iterable[File], build_args: Mapping[str, str]
) -> Iterator[Copied]:
    """Each COPY and ADD that ends up in the image, in order, with its files."""
    files = tuple(files)
    given = {name: value for name, value in build_args.items() if value}
    outer = dict(platforms.ARGUMENTS)
    variables: dict[str, str] = {}
    in_stage = False
    part = image_instructions(instructions)
    for instruction in instructions:
        if instruction.name == "FROM":
            in_stage, variables = True, {}
        elif instruction.name in {"ARG", "ENV"}:
            _assign(instruction, variables if in_stage else outer, given, outer)
        elif instruction.name in {"COPY", "ADD"} and instruction in part:
            yield Copied(instruction, _matching(_words(instruction, variables), files))


def image_instructions(instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    """Instructions of the last build stage and of those it is built on; the others leave nothing in the image."""
    stages: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(instruction)
    froms = [stage[0].arguments for stage in stages]
    named = {words[2].lower(): number for number, words in enumerate(froms) if len(words) > 1}
    wanted, number = [], len(stages) - 1
    while number >= 0 and number not in wanted:
        wanted.append(number)
        below = named.get(froms[number][0].lower(), -1)
        number = below if below < number else -1
    return tuple(instruction for number in sorted(wanted) for instruction in stages[number])


def _assign(
    instruction: Instruction, variables: dict[str, str], given: Mapping[str, str], outer: Mapping[str, str]
) -> None:
    """Sets the variables of an ARG or ENV, and removes those whose value is unknown."""
    words = instruction.arguments
    if instruction.name == "ENV":
        pairs: Iterable[tuple[str, str | None]] = zip(words[::2], words[1::2], strict=False)
    else:
        parts = (word.partition("=") for word in words)
        pairs = ((name, given.get(name, value if equals else outer.get(name))) for name, equals, value in parts)
    for name, value in list(pairs):
        known = None if value is None else _expanded(value, variables)
        if known is None:
            variables.pop(name, None)
        else:
            variables[name] = known


def _words(instruction: Instruction, variables: Mapping[str, str]) -> list[str]:
    """The sources as paths of the context without a slash at either end; empty if any of them is unknown."""
    if any(flag.startswith(_NOT_BY_NAME) for flag in instruction.flags):
        return []
    words = []
    for written in instruction.arguments[:-1]:
        word = _expanded(written, variables)
        if word is None or word.startswith(_REMOTE):
            return []
        words.append(posixpath.normpath(word).strip("/") or ".")
    return words


def _expanded(word: str, variables: Mapping[str, str]) -> str | None:
    """The expanded word; None if a variable is unknown here, because the base image may set it."""
    if any(name not in variables for name in _NAME.findall(word)):
        return None
    try:
        return expand(word, variables)
    except ValueError:
        return None


def _matching(words: Iterable[str], files: tuple[File, ...]) -> tuple[File, ...]:
    """The files that a source names, or whose parent folder it does; none if comparing them takes too long."""
    words = set(words)
    if not words:
        return ()
    if "." in words:
        return files
    plain = {word for word in words if not patterns.is_pattern(word)}
    wanted = [found for word in words - plain if (found := _pattern(word))]
    work = patterns.Work()
    try:
        return tuple(file for file in files if _is_named(file.path, plain, wanted, work))
    except patterns.TooMuchWork:
        return ()


def _is_named(path: str, plain: Collection[str], wanted: Iterable[patterns.Pattern], work: patterns.Work) -> bool:
    place = path
    while place:
        if place in plain:
            return True
        place = place.rpartition("/")[0]
    return any(patterns.matches(pattern, path, below=True, work=work) for pattern in wanted)


def _pattern(word: str) -> patterns.Pattern | None:
    try:
        return patterns.parse(word)
    except ValueError:
        return None
