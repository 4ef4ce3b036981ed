"""Plans the image of a Dockerfile: its configuration and the entries of its layers."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from inference_image_build.append import files
from inference_image_build.append.config import Config, Draft
from inference_image_build.append.files import Entry
from inference_image_build.append.unsupported import Unsupported
from inference_image_build.builders import check
from inference_image_build.builders.features import Dockerfile, Use
from inference_image_build.dockerfile import parse
from inference_image_build.dockerfile.rules import Instruction


class HistoryLine(NamedTuple):
    """One line of an image's history; a line without entries has no layer."""

    created_by: str
    entries: tuple[Entry, ...]


class Plan(NamedTuple):
    """What is added to the base image."""

    config: Config
    history: tuple[HistoryLine, ...]
    author: str = ""
    """The value of MAINTAINER."""


class Options(NamedTuple):
    """What goes into the plan besides the Dockerfile."""

    labels: Mapping[str, str]
    own_layer: str
    """Folder of the context whose files get separate layers: the weights, which are large and seldom change."""
    allowed: tuple[str, ...] = ()
    """The builders that a hint may name; all if it is empty."""


def make(dockerfile: Dockerfile, base: Mapping[str, Any], context: Path, name: str, options: Options) -> Plan:
    """The plan for a Dockerfile that passed `builders.check`; `base` is the configuration of its base image.

    Raises StageError: `DockerfileInvalid` with the line, `BuilderUnsupported`.
    """
    draft = Draft(base, options.labels)
    history: list[HistoryLine] = []
    folders: set[str] = set()
    steps = [step for step in dockerfile.steps if dockerfile.built.has(*step)]
    for instruction, state in steps:
        try:
            if instruction.name in {"COPY", "ADD"}:
                entries = files.collect(instruction, state, context, folders | {state.folder.rstrip("/")})
                folders.update(_folders(entries))
                history += _split(entries, instruction, context / options.own_layer)
            elif instruction.name not in {"FROM", "ARG"}:
                draft.apply(instruction, state)
                history.append(HistoryLine(_written(instruction), ()))
            elif instruction.name == "ARG" and state.stage >= 0:
                history.append(HistoryLine(_written(instruction), ()))
        except Unsupported as error:
            use = Use(error.feature, instruction.first_line, error.what)
            raise check.refused_late(dockerfile, use, "Append", name, options.allowed) from error
        except ValueError as error:
            raise parse.invalid(name, str(error), instruction.first_line) from error
    instructions = [instruction for instruction, _ in steps]
    return Plan(draft.finished(instructions), tuple(history), draft.author)


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
