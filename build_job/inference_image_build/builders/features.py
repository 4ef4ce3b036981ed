"""Which features a Dockerfile uses: each is a row of the table of builders. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from inference_image_build.builders import copies, needed, users
from inference_image_build.builders.needed import Stages
from inference_image_build.builders.table import TRIGGER
from inference_image_build.dockerfile import mounts, parse, platforms, ports, signals, stages
from inference_image_build.dockerfile.directives import Directives
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State
from inference_image_contract.inputs import BaseSettings

_EXPANDED = frozenset({"ADD", "ARG", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})
"""Instructions in whose words variables are replaced."""
_ESCAPED = re.compile(r"[\\`]")


class Use(NamedTuple):
    """One use of a feature."""

    feature: str
    """The row of the table."""
    line: int
    what: str
    """The feature with its value, for a message."""


class Dockerfile(NamedTuple):
    """A Dockerfile, what holds before each of its instructions, and the features that it uses."""

    steps: tuple[tuple[Instruction, State], ...]
    built: Stages
    """The build stages that are built."""
    uses: tuple[Use, ...]

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Its instructions."""
        return tuple(instruction for instruction, _ in self.steps)


class InvalidLineError(ValueError):
    """A word of a line cannot be expanded."""

    def __init__(self, line: int, clause: str) -> None:
        super().__init__(clause)
        self.line = line


def read(
    instructions: tuple[Instruction, ...],
    directives: Directives,
    build_args: Mapping[str, str],
    bases: Mapping[str, BaseSettings],
) -> Dockerfile:
    """The Dockerfile on these base images; an image that `bases` lacks is unknown.

    Raises InvalidLineError.
    """
    steps: list[tuple[Instruction, State]] = []
    instruction = instructions[0]
    try:
        for instruction, state in stages.walk(instructions, build_args, bases, directives.escape):
            steps.append((instruction, state))
        built = needed.find(steps)
        uses = [] if directives.is_dockerfile else [_syntax(directives)]
        for instruction, state in steps:
            uses += _of_step(instruction, state, built, bases)
    except ValueError as error:
        raise InvalidLineError(instruction.first_line, str(error)) from error
    return Dockerfile(tuple(steps), built, (*uses, *_leaks(steps, built, build_args)))


def _syntax(directives: Directives) -> Use:
    return Use("# syntax=OTHER", directives.syntax_line, f"# syntax={directives.syntax}")


def _uses(instruction: Instruction, state: State) -> Iterator[Use]:
    for feature, what in _of(instruction, state):
        yield Use(feature, instruction.first_line, what or feature)


def _of_step(instruction: Instruction, state: State, built: Stages, bases: Mapping[str, BaseSettings]) -> Iterator[Use]:
    """The features of an instruction; of a stage that is not built, only that there is one."""
    line = instruction.first_line
    if not built.has(instruction, state):
        if instruction.name == "FROM":
            yield Use("FROM, a stage that nothing needs", line, "FROM")
        return
    for use in _uses(instruction, state):
        is_unknown = use.feature.endswith("--chown=NAME") and state.stage not in built.with_run
        yield use._replace(feature=f"{use.feature}, no RUN") if is_unknown else use
    if instruction.name == "FROM":
        if state.stage + 1 != built.needed[0]:
            yield Use("FROM, several", line, "a second FROM")
        yield from _triggers(instruction, bases.get(state.expand(instruction.arguments[0])))


def _triggers(instruction: Instruction, base: BaseSettings | None) -> Iterator[Use]:
    """What the ONBUILD of a base image adds to the build stage."""
    if base is None or not base.on_build:
        return
    line = instruction.first_line
    yield Use("ONBUILD of the base", line, "ONBUILD triggers of the base image")
    text = "".join(f"{trigger}\n" for trigger in base.on_build)
    for trigger in parse.triggers(text.encode(), "ONBUILD of the base image"):
        for use in _uses(trigger, stages.of(base)._replace(is_known=False)):
            yield Use(f"{TRIGGER}{use.feature}", line, f"{use.what} in an ONBUILD of the base image")


def _leaks(steps: Iterable[tuple[Instruction, State]], built: Stages, build_args: Mapping[str, str]) -> Iterator[Use]:
    """The variables that have another value for Kaniko, which keeps each ARG of one stage in all later ones.

    There, an ARG without a default keeps that value, too, in place of the one before the first FROM.
    """
    outer: Mapping[str, str] = {}
    kept: dict[str, tuple[int, str | None]] = {}  # by name: the stage that set it last, and the value if it is known
    for instruction, state in steps:
        if state.stage < 0:
            outer = state.variables
        elif built.has(instruction, state) and instruction.name in _EXPANDED | {"RUN"}:
            text = instruction.original + "".join(found.content for found in instruction.heredocs)
            for name, (stage, value) in kept.items():
                is_read = stage != state.stage and re.search(rf"\$\{{?{re.escape(name)}\b", text)
                found = build_args.get(name, value)
                if is_read and name not in state.env and found not in {None, state.variables.get(name, "")}:
                    what = f"${name} in {instruction.name}, an ARG that an earlier stage sets"
                    yield Use("ARG of an earlier stage", instruction.first_line, what)
            if instruction.name == "ARG":
                kept |= _kept(instruction, state, kept, outer)


def _kept(
    instruction: Instruction, state: State, kept: Mapping[str, tuple[int, str | None]], outer: Mapping[str, str]
) -> Iterator[tuple[str, tuple[int, str | None]]]:
    """What Kaniko knows of the variables of an ARG after it."""
    for word in instruction.arguments:
        name, equals, default = word.partition("=")
        _, value = kept.get(name, (0, None))
        if equals:
            yield name, (state.stage, state.known(default))
        elif value is None or name in platforms.ARGUMENTS:  # `kaniko.rewrite` writes the values of the platform
            yield name, (state.stage, outer.get(name))


def _of(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    """The features of one instruction, each with its value or an empty text."""
    if state.escape != "\\" and instruction.name in _EXPANDED and any(map(_ESCAPED.search, instruction.arguments)):
        yield "# escape=`, escapes in words", ""
    yield from _FEATURES.get(instruction.name, _plain)(instruction, state)


def _plain(instruction: Instruction, _state: State) -> Iterator[tuple[str, str]]:
    yield instruction.name, ""


def _user(instruction: Instruction, _state: State) -> Iterator[tuple[str, str]]:
    yield ("USER ${NAME:-DEFAULT}" if "${" in instruction.arguments[0] else "USER"), ""


def _onbuild(instruction: Instruction, _state: State) -> Iterator[tuple[str, str]]:
    is_document = instruction.last_line > instruction.first_line and "<<" in instruction.original
    yield ("ONBUILD with a heredoc" if is_document else "ONBUILD"), ""


def _workdir(_instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    yield "WORKDIR", ""
    if state.user.partition(":")[0] not in users.ROOT:
        yield "WORKDIR, USER is not root", ""


def _healthcheck(instruction: Instruction, _state: State) -> Iterator[tuple[str, str]]:
    yield "HEALTHCHECK", ""
    yield from ((f"HEALTHCHECK {flag.partition('=')[0]}", "") for flag in instruction.flags)


def _from(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    yield ("ARG TARGETARCH in FROM" if _names_platform(instruction.arguments[0]) else "FROM"), ""
    platform = instruction.flag("platform")
    if platform is not None:
        wanted = state.expand(platform)
        yield ("FROM --platform" if platforms.is_ours(wanted) else "FROM --platform=OTHER"), f"FROM --platform={wanted}"


def _names_platform(word: str) -> bool:
    return any(re.search(rf"\$\{{?{name}\b", word) for name in platforms.ARGUMENTS)


def _arg(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    if state.stage < 0:
        yield ("ARG TARGETARCH in FROM" if any(map(_names_platform, instruction.arguments)) else "ARG"), ""
        return
    yield "ARG", ""
    for word in instruction.arguments:
        name, _, _ = word.partition("=")
        if name in platforms.ARGUMENTS:
            yield "ARG TARGETARCH", ""
        if name in state.env:
            yield "ARG after ENV of the same name", f"ARG {name} after ENV {name}"


def _expose(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    yield "EXPOSE", ""
    for word in instruction.arguments:
        port = state.known(word)
        if port is None:
            continue
        if any(found.endswith("/sctp") for found in ports.expand(port)):
            yield "EXPOSE of sctp", f"EXPOSE {port}"
        elif not ports.is_plain(port):
            yield "EXPOSE of a range", f"EXPOSE {port}"


def _stopsignal(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    yield "STOPSIGNAL", ""
    if (text := state.known(instruction.arguments[0])) is not None:
        signals.check(text)


def _run(instruction: Instruction, state: State) -> Iterator[tuple[str, str]]:
    yield ("RUN with a JSON array" if instruction.is_json else "RUN"), ""
    if instruction.heredocs:
        yield "RUN with a heredoc", ""
    for mount in instruction.values("mount"):
        yield from _mount(mount, state)
    for flag, default in (("network", "default"), ("security", "sandbox")):
        if (value := instruction.flag(flag)) and value != default:
            yield f"RUN --{flag}={value}", ""
        elif value:
            yield f"RUN --{flag}={default}", ""
    if instruction.values("device"):
        yield "RUN --device", ""
    if users.has_open_group(state.user):
        feature = "RUN as USER with a group" if ":" in state.user else "RUN as USER with a number alone"
        yield feature, f"RUN as USER {state.user}"


def _mount(text: str, state: State) -> Iterator[tuple[str, str]]:
    known = mounts.read(text, lambda word: state.known(word) or "")
    feature = f"RUN --mount=type={known.kind}"
    if known.kind in {"bind", "cache"} and known.origin:
        yield f"RUN --mount=type={known.kind},from=STAGE", ""
    elif known.kind == "bind" and known.source.strip("/.") == "":
        yield "RUN --mount=type=bind of the whole context", ""
    else:
        yield feature, ""
    if known.kind in {"bind", "cache", "tmpfs"} and state.user.partition(":")[0] not in users.ROOT:
        yield "RUN --mount, USER is not root", f"{feature} as USER {state.user}"


_FEATURES: Mapping[str, Callable[[Instruction, State], Iterator[tuple[str, str]]]] = {
    "ADD": copies.features,
    "ARG": _arg,
    "COPY": copies.features,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "WORKDIR": _workdir,
}
