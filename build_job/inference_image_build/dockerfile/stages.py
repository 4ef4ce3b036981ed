"""What holds before each instruction of a Dockerfile: variables, shell, user and folder of its build stage. Pure."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from inference_image_build.dockerfile import platforms
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.variables import expand
from inference_image_contract.inputs import BaseSettings

SCRATCH = "scratch"
SHELL = ("/bin/sh", "-c")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class UnknownVariable(ValueError):  # noqa: N818 - a value that is missing here, not a fault of the Dockerfile
    """A variable that the base image may set, while the base image is unknown."""


class State(NamedTuple):
    """What holds before an instruction."""

    stage: int
    """The number of the build stage, from 0; -1 before the first FROM."""
    variables: Mapping[str, str]
    """ENV and ARG. The later one counts, as in BuildKit."""
    env: Mapping[str, str]
    """The image's environment."""
    shell: tuple[str, ...]
    user: str
    folder: str
    is_known: bool
    """Whether the settings of the base image are known."""
    escape: str

    def expand(self, word: str) -> str:
        """A word with its variables replaced. Raises ValueError, UnknownVariable."""
        return expand(word, self._all, escape=self.escape)

    def document(self, text: str) -> str:
        """The same for the text of a heredoc, whose escape character is always the backslash."""
        return expand(text, self._all, has_quotes=False)

    @property
    def _all(self) -> Mapping[str, str]:
        return self.variables if self.is_known else _Partial(self.variables)

    def known(self, word: str) -> str | None:
        """The same; None if the base image decides about it."""
        try:
            return self.expand(word)
        except UnknownVariable:
            return None


class _Partial(dict[str, str]):
    """Variables of which the base image may set more."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        if name not in self:
            raise UnknownVariable(f"the base image may set {name}")
        return super().get(name, default)


def walk(
    instructions: tuple[Instruction, ...],
    build_args: Mapping[str, str],
    bases: Mapping[str, BaseSettings],
    escape: str = "\\",
) -> Iterator[tuple[Instruction, State]]:
    """Each instruction with what holds before it. `bases` are the settings of the images that FROM names.

    Raises ValueError for a word that cannot be expanded; `rules` and `parse` have checked the rest.
    """
    outer = global_arguments(build_args)
    state = State(-1, outer, {}, SHELL, "", "/", is_known=True, escape=escape)
    finished: dict[str, State] = {}
    name = ""
    for instruction in instructions:
        yield instruction, state
        if instruction.name == "FROM":
            finished[name] = state
            word = expand(instruction.arguments[0], outer, escape=escape)
            state = _started(word, state, finished, bases)
            name = instruction.arguments[2].lower() if len(instruction.arguments) > 1 else f" {state.stage}"
        elif state.stage < 0:
            outer = outer | dict(_arguments(instruction, state, build_args, outer))
            state = state._replace(variables=outer)
        else:
            state = _after(instruction, state, build_args, outer)


def global_arguments(build_args: Mapping[str, str]) -> dict[str, str]:
    """The variables before the first FROM: the platform's, and the build arguments that are not empty."""
    return {**platforms.ARGUMENTS, **{name: value for name, value in build_args.items() if value}}


def _started(image: str, before: State, finished: Mapping[str, State], bases: Mapping[str, BaseSettings]) -> State:
    number = before.stage + 1
    if parent := finished.get(image.lower()):
        return parent._replace(stage=number)
    base = BaseSettings() if image == SCRATCH else bases.get(image)
    return of(base or BaseSettings())._replace(stage=number, is_known=base is not None, escape=before.escape)


def of(base: BaseSettings) -> State:
    """What holds at the start of a stage on this base image."""
    env = dict(_pair(entry) for entry in base.env or (_PATH,))
    shell = base.shell or SHELL
    return State(0, env, env, shell, base.user, base.working_dir or "/", is_known=True, escape="\\")


def _after(instruction: Instruction, state: State, build_args: Mapping[str, str], outer: Mapping[str, str]) -> State:
    words = instruction.arguments
    match instruction.name:
        case "ARG":
            return state._replace(
                variables={**state.variables, **dict(_arguments(instruction, state, build_args, outer))}
            )
        case "ENV":
            pairs = {
                key: value
                for name, text in zip(words[::2], words[1::2], strict=False)
                if (key := state.known(name)) is not None and (value := state.known(text)) is not None
            }
            return state._replace(variables={**state.variables, **pairs}, env={**state.env, **pairs})
        case "SHELL":
            return state._replace(shell=words)
        case "USER":
            return state._replace(user=state.known(words[0]) or words[0])
        case "WORKDIR":
            return state._replace(folder=within(state.folder, state.known(words[0]) or ""))
        case _:
            return state


def _arguments(
    instruction: Instruction, state: State, build_args: Mapping[str, str], outer: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The ARGs that have a value after this instruction."""
    for word in instruction.arguments:
        name, equals, default = word.partition("=")
        if name in build_args:
            yield name, build_args[name]
        elif equals:
            if (value := state.known(default)) is not None:
                yield name, value
                state = state._replace(variables={**state.variables, name: value})
        elif name in outer:
            yield name, outer[name]


def within(folder: str, path: str) -> str:
    """The absolute path, clean, without a slash at the end."""
    return "/" + posixpath.normpath(posixpath.join(folder, path)).strip("/")


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value
