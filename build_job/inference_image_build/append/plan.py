"""The image that a Dockerfile asks for: its configuration and the entries of its layers."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from inference_image_build.append import files
from inference_image_build.append.config import Config, Draft
from inference_image_build.append.files import Entry
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


class Step(NamedTuple):
    """One line of an image's history; without entries it has no layer."""

    created_by: str
    entries: tuple[Entry, ...]


class Plan(NamedTuple):
    """What is to be put onto the base."""

    config: Config
    steps: tuple[Step, ...]


class Options(NamedTuple):
    """What goes into the plan beside the Dockerfile."""

    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    own_layer: str
    """Folder of the context whose files get layers of their own: what is heavy and changes seldom, the weights."""


def make(
    instructions: tuple[Instruction, ...], base: Mapping[str, Any], context: Path, name: str, options: Options
) -> Plan:
    """The plan for a Dockerfile that `supported.check` lets pass; `base` is the configuration of its FROM.

    Raises StageError: `DockerfileInvalid` with the line, `BuilderUnsupported`.
    """
    draft = Draft(base, options.build_args, options.labels)
    steps: list[Step] = []
    folders: set[str] = set()
    in_stage = False
    for instruction in instructions:
        try:
            if instruction.name in {"COPY", "ADD"}:
                known = files.Place(draft, context, folders | {draft.folder.rstrip("/")}, name)
                entries = files.collect(instruction, known)
                folders.update(_folders(entries))
                steps += _split(entries, instruction, context / options.own_layer)
            elif not in_stage and instruction.name == "ARG":
                draft.apply_global(instruction)
            elif instruction.name != "FROM":
                draft.apply(instruction)
                steps.append(Step(_written(instruction), ()))
        except ValueError as error:
            raise _invalid(name, instruction, str(error)) from error
        in_stage |= instruction.name == "FROM"
    return Plan(draft.finished(instructions), tuple(steps))


def _split(entries: tuple[Entry, ...], instruction: Instruction, own: Path) -> Iterator[Step]:
    """The entries below `own` as a layer, then the others, so that a change of code does not push the weights again."""
    apart = tuple(entry for entry in entries if entry.source.is_relative_to(own))
    rest = tuple(entry for entry in entries if not entry.source.is_relative_to(own))
    yield from (Step(_written(instruction), part) for part in (apart, rest) if part)


def _folders(entries: Iterable[Entry]) -> Iterator[str]:
    """The absolute paths of every folder that these entries make."""
    for entry in entries:
        path = f"/{entry.path}" if entry.is_folder else posixpath.dirname(f"/{entry.path}")
        while path != "/":
            yield path
            path = posixpath.dirname(path)


def _written(instruction: Instruction) -> str:
    return " ".join((instruction.name, *instruction.flags, *instruction.arguments))


def _invalid(name: str, instruction: Instruction, clause: str) -> StageError:
    line = instruction.first_line
    return StageError(
        Reason.DOCKERFILE_INVALID,
        f"The Dockerfile {name}, line {line}: {clause}.",
        f"Correct line {line} of {name} and upload it, {REQUEST_AGAIN}",
    )
