"""Plans the image of a Dockerfile: its configuration and the entries of its layers."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from inference_image_build.append import files
from inference_image_build.append.config import Config, Draft
from inference_image_build.append.files import Entry
from inference_image_build.dockerfile.rules import Instruction
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason


class HistoryLine(NamedTuple):
    """One line of an image's history; a line without entries has no layer."""

    created_by: str
    entries: tuple[Entry, ...]


class Plan(NamedTuple):
    """What is added to the base image."""

    config: Config
    history: tuple[HistoryLine, ...]


class Options(NamedTuple):
    """What goes into the plan besides the Dockerfile."""

    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    own_layer: str
    """Folder of the context whose files get separate layers: the weights, which are large and seldom change."""


def make(
    instructions: tuple[Instruction, ...], base: Mapping[str, Any], context: Path, name: str, options: Options
) -> Plan:
    """The plan for a Dockerfile that passed `supported.check`; `base` is the configuration of its base image.

    Raises StageError: `DockerfileInvalid` with the line, `BuilderUnsupported`.
    """
    draft = Draft(base, options.build_args, options.labels)
    history: list[HistoryLine] = []
    folders: set[str] = set()
    in_stage = False
    for instruction in instructions:
        try:
            if instruction.name in {"COPY", "ADD"}:
                known = files.Place(draft, context, folders | {draft.folder.rstrip("/")}, name)
                entries = files.collect(instruction, known)
                folders.update(_folders(entries))
                history += _split(entries, instruction, context / options.own_layer)
            elif not in_stage and instruction.name == "ARG":
                draft.apply_global(instruction)
            elif instruction.name != "FROM":
                draft.apply(instruction)
                history.append(HistoryLine(_written(instruction), ()))
        except ValueError as error:
            raise _invalid(name, instruction, str(error)) from error
        in_stage |= instruction.name == "FROM"
    return Plan(draft.finished(instructions), tuple(history))


def _split(entries: tuple[Entry, ...], instruction: Instruction, own: Path) -> Iterator[HistoryLine]:
    """One layer for the entries under `own`, then one for the others: a code change does not push the weights again."""
    apart = tuple(entry for entry in entries if entry.source.is_relative_to(own))
    rest = tuple(entry for entry in entries if not entry.source.is_relative_to(own))
    yield from (HistoryLine(_written(instruction), part) for part in (apart, rest) if part)


def _folders(entries: Iterable[Entry]) -> Iterator[str]:
    """The absolute path of every folder that these entries create."""
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
        f"Fix line {line} of {name} and upload it, {REQUEST_AGAIN}",
    )
