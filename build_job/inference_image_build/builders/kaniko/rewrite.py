"""Rewrites a pinned Dockerfile for Kaniko. Lines keep their order; only VOLUME moves to the end."""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from inference_image_build.builders import sources, users
from inference_image_build.builders.features import Dockerfile
from inference_image_build.builders.kaniko import copy, groups, mounted, staging
from inference_image_build.builders.kaniko.words import array, literal
from inference_image_build.dockerfile import heredocs, mounts, platforms, ports
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State, within

_MAX_LINE = 60_000
"""The parser refuses lines of 64 KiB."""
_AUTHORS = "org.opencontainers.image.authors"
"""The label that Docker's reference names in place of MAINTAINER, whose value Kaniko drops."""
_SLASH = re.compile(r"[\w./${}-]+[^/]/+")


class Rewritten(NamedTuple):
    """What Kaniko gets."""

    dockerfile: str
    ignore: str
    """The Dockerfile's own .dockerignore."""


def rewrite(dockerfile: Dockerfile, text: str, build_args: Mapping[str, str], context: Path) -> Rewritten:
    """The Dockerfile for Kaniko. Writes files into the context (`staging`).

    `dockerfile` is what `text` says, with its base images known.

    Raises `copy.RefusedError`; ValueError as `sources.collect`.
    """
    lines = list(io.StringIO(text, newline="\n"))
    built = dockerfile.built
    files = copy.Copies(dockerfile, context)
    volumes: list[str] = []
    ends = [instruction.first_line - 1 for instruction, _ in dockerfile.steps[1:]] + [len(lines)]
    for number, (instruction, state) in enumerate(dockerfile.steps):
        if not built.has(instruction, state):
            _replace(lines, instruction.first_line, ends[number], "")
        elif instruction.name == "VOLUME":
            volumes += [state.expand(word) for word in instruction.arguments if state.stage in built.chain]
            _replace(lines, instruction.first_line, instruction.last_line, "")
        else:
            following = dockerfile.steps[number + 1][1] if number + 1 < len(dockerfile.steps) else state
            line = files.line(instruction, state) if instruction.name in {"COPY", "ADD"} else None
            line = _line(instruction, state, following, build_args, context) if line is None else line
            if line is not None:
                _replace(lines, instruction.first_line, instruction.last_line, line)
    made = "".join(lines)
    if volumes:
        made = f"{made.rstrip()}\nVOLUME {array(literal(path) for path in volumes)}\n"
    return Rewritten(made, "".join(f"{line}\n" for line in files.ignored))


def _replace(lines: list[str], first: int, last: int, line: str) -> None:
    """Puts a line in place of those from `first` to `last`, which count from 1."""
    lines[first - 1 : last] = [line + "\n", *["\n"] * (last - first)]


def _line(
    instruction: Instruction, state: State, following: State, build_args: Mapping[str, str], context: Path
) -> str | None:
    """The line for an instruction that copies nothing; None if it stays as it is."""
    words = instruction.arguments
    word = words[0] if words else ""
    line: str | None = None
    match instruction.name:
        case "FROM":
            line = " ".join(("FROM", state.expand(word), *words[1:]))
        case "ARG" if state.stage >= 0 and any(word in platforms.ARGUMENTS for word in words):
            line = " ".join(("ARG", *_with_values(words, following, build_args)))
        case "ARG" if state.stage < 0 and any("$" in word for word in words):
            names = [word.partition("=")[0] for word in words]
            line = " ".join(("ARG", *(f'{name}="{literal(following.variables.get(name, ""))}"' for name in names)))
        case "EXPOSE" if any(not ports.is_plain(state.expand(word)) for word in words):
            line = " ".join(("EXPOSE", *(port for word in words for port in ports.expand(state.expand(word)))))
        case "USER" if "${" in word:  # Kaniko splits at a colon before it replaces variables
            line = f"USER {literal(state.expand(word))}"
        case "MAINTAINER":
            line = f'LABEL {_AUTHORS}="{literal(word)}"'
        case "WORKDIR" if _SLASH.fullmatch(word):
            line = f"WORKDIR {word.rstrip('/')}"
        case "RUN" if instruction.heredocs or instruction.values("mount") or users.has_open_group(state.user):
            line = _run(instruction, state, context)
    return line


def _with_values(words: tuple[str, ...], following: State, build_args: Mapping[str, str]) -> Iterator[str]:
    """The platform's arguments with their values: Kaniko knows none."""
    for word in words:
        has_value = word in platforms.ARGUMENTS and word not in build_args
        yield f'{word}="{literal(following.variables.get(word, ""))}"' if has_value else word


def _digest(path: Path) -> str:
    """A hash of a file, or of the names and contents in a folder, in hex."""
    digest = hashlib.sha256()
    for file in sorted([path, *path.rglob("*")]):
        digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        if file.is_file():
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()


def _run(instruction: Instruction, state: State, context: Path) -> str:
    """RUN in its JSON form, which executes exactly what BuildKit executes."""
    words = list(instruction.arguments)
    if found := heredocs.script(instruction):
        words = [staging.script(context, found.name, found.text) if found.name else found.text]
    if not instruction.is_json:
        words = [*state.shell, " ".join(words)]
    if texts := instruction.values("mount"):
        wanted = [mounts.read(text, state.expand) for text in texts]
        content = "".join(_digest(sources.found(mount.source, context)) for mount in wanted if mount.kind == "bind")
        words = mounted.command([(mount, within(state.folder, mount.target)) for mount in wanted], words, content)
    if users.has_open_group(state.user):
        words = groups.run(context, state.user, words)
    line = f"RUN {array(words)}"
    if len(line.encode()) > _MAX_LINE:
        raise ValueError(f"RUN has {len(line)} characters; the limit is about {_MAX_LINE}")
    return line
