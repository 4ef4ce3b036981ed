"""Which build stages the image needs: BuildKit builds no other, Kaniko every one. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from inference_image_build.dockerfile.rules import Instruction, stage_number
from inference_image_build.dockerfile.stages import State


class Stages(NamedTuple):
    """The build stages that are built, and those that the last one is built on, the last one included."""

    needed: tuple[int, ...]
    chain: tuple[int, ...]
    with_run: frozenset[int]
    """Stages with a RUN, also one of a stage that they are built on: their images have a shell."""

    def has(self, instruction: Instruction, state: State) -> bool:
        """Whether an instruction is part of a stage that is built, or comes before all stages."""
        stage = state.stage + (instruction.name == "FROM")
        return stage < 0 or stage in self.needed

    def number(self, word: str) -> str:
        """The word of `COPY --from`; a number is that of the stage among the needed ones."""
        number = stage_number(word)
        return str(self.needed.index(number)) if number in self.needed else word


def find(steps: Sequence[tuple[Instruction, State]]) -> Stages:
    """The needed stages of a Dockerfile."""
    names: dict[str, int] = {}
    parents: list[int | None] = []
    origins: list[set[int]] = []
    with_run: set[int] = set()
    for instruction, state in steps:
        if instruction.name == "FROM":
            parents.append(names.get(state.expand(instruction.arguments[0]).lower()))
            origins.append(set())
            if len(instruction.arguments) > 1:
                names[instruction.arguments[2].lower()] = len(parents) - 1
            continue
        if instruction.name == "RUN":
            with_run.add(len(parents) - 1)
        for word in _origins(instruction):
            number = stage_number(word)
            found = names.get(word.lower()) if number is None else number
            if found is not None and found < len(parents) - 1:
                origins[-1].add(found)
    for number, parent in enumerate(parents):
        if parent in with_run:
            with_run.add(number)
    return Stages(_needed(parents, origins), _chain(parents), frozenset(with_run))


def _needed(parents: Sequence[int | None], origins: Sequence[set[int]]) -> tuple[int, ...]:
    """The stages that the last one needs, itself included. A stage takes from earlier ones only."""
    last = len(parents) - 1
    found = {last}
    for number in range(last, -1, -1):
        if number in found:
            parent = parents[number]
            found |= origins[number] | (set() if parent is None else {parent})
    return tuple(sorted(found))


def _chain(parents: Sequence[int | None]) -> tuple[int, ...]:
    """The last stage and those that it is built on, the first one first."""
    found: list[int] = []
    number: int | None = len(parents) - 1
    while number is not None:
        found.append(number)
        number = parents[number]
    return tuple(reversed(found))


def _origins(instruction: Instruction) -> Iterator[str]:
    """The stages or images that an instruction takes files from."""
    if instruction.name == "COPY" and (word := instruction.flag("from")):
        yield word
    for mount in instruction.values("mount") if instruction.name == "RUN" else ():
        yield from (field.partition("=")[2] for field in mount.split(",") if field.lower().startswith("from="))
