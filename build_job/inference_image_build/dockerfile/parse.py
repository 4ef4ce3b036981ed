"""Reads a Dockerfile: validates it, finds the images that it pulls, and rewrites it with those images pinned. Pure.

The package `dockerfile` wraps BuildKit's parser, which Kaniko uses too, so continuation lines, comments within them,
heredocs and the escape directive mean the same to both.
"""

import io
import re
from collections.abc import Mapping
from typing import NamedTuple

import dockerfile
from inference_image_build.dockerfile import platforms
from inference_image_build.dockerfile.rules import Heredoc, Instruction, fault, stage_number
from inference_image_build.dockerfile.variables import expand
from inference_image_build.registry import references
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

MAX_BYTES = 64 * 1024
"""People write Dockerfiles, so this is ample; Kaniko's parser refuses single lines of this length."""
SCRATCH = "scratch"
_MAX_PREFIXES = 2000
_FLAGS = re.compile(r"""(\s*\w+)(?:\s+--(?:"[^"]*"|'[^']*'|[^\s"'])+)+""")
"""An instruction and its flags."""
_EMPTY = "file with no instructions"


class Use(NamedTuple):
    """An image that a Dockerfile pulls: the instruction, the word in it, and the word with its variables expanded."""

    instruction: Instruction
    word: str
    image: str


def read(data: bytes, name: str) -> tuple[Instruction, ...]:
    """The instructions of a Dockerfile that passes all checks that need no build.

    `name` is its path, for messages. Raises StageError (`DockerfileInvalid`) with the line.
    """
    text = _text(data, name)
    instructions = _parse(text, name)
    for instruction in instructions:
        if clause := fault(instruction):
            raise invalid(name, clause, instruction.first_line)
    _check_order(instructions, name)
    _check_stage_names(instructions, name)
    return instructions


def triggers(data: bytes, name: str) -> tuple[Instruction, ...]:
    """The instructions of ONBUILD, which have no FROM. Raises StageError (`DockerfileInvalid`)."""
    instructions = _parse(_text(data, name), name)
    for instruction in instructions:
        if clause := fault(instruction):
            raise invalid(name, clause, instruction.first_line)
    return instructions


def images(instructions: tuple[Instruction, ...], build_args: Mapping[str, str], name: str) -> tuple[Use, ...]:
    """Every image that FROM or `COPY --from` pulls, in order; `scratch` and earlier stages are not pulled.

    Raises StageError (`DockerfileInvalid`) when a reference is not well-formed once its variables are expanded, or when
    COPY takes from its own build stage or a later one.
    """
    names = {_stage_name(instruction) for instruction in instructions} - {""}
    variables = _global_args(instructions, build_args, name)
    stages: list[str] = []
    uses = []
    for instruction in instructions:
        if instruction.name == "FROM":
            word = instruction.arguments[0]
            image = _expanded(word, variables, instruction, name)
            if image.lower() not in stages and image != SCRATCH:
                uses.append(_use(instruction, word, image, name))
            stages.append(_stage_name(instruction))
        elif (word := _copy_from(instruction)) and not _is_stage(word, stages):
            if "$" in word:
                clause = "--from takes no variables; name the image in a FROM with AS, and that name in --from"
                raise invalid(name, clause, instruction.first_line)
            if word.isdigit() or word.lower() in names:
                raise invalid(name, f"--from={word} names no build stage above its own", instruction.first_line)
            uses.append(_use(instruction, word, word, name))
    return tuple(uses)


def pin(data: bytes, build_args: Mapping[str, str], pins: Mapping[str, str], name: str) -> bytes:
    """The Dockerfile with every image that it pulls replaced by `pins[image]`; every line keeps its number.

    Raises StageError: `DockerfileInvalid`, or `SourceChanged` when an image was not pinned.
    """
    instructions = read(data, name)
    lines = _lines(data.decode())
    wanted = {instruction.first_line: instruction for instruction in instructions}
    for use in images(instructions, build_args, name):
        if use.image not in pins:
            raise StageError(
                Reason.SOURCE_CHANGED,
                f"{name}, line {use.instruction.first_line}: {use.image} is not among the pinned images.",
                "Nothing to do: the inputs are resolved again.",
            )
        _replace(lines, use, pins[use.image], name)
        wanted[use.instruction.first_line] = _pinned(use, pins[use.image])
    text = "".join(lines)
    if _read_back(text, name) != tuple(_content(wanted[found.first_line]) for found in instructions):
        raise invalid(name, "it has a FROM or COPY --from in a form that cannot be pinned; write each on one line")
    return text.encode()


def _pinned(use: Use, image: str) -> Instruction:
    """The instruction with the pinned image in place of the written one."""
    found = use.instruction
    if found.name == "FROM":
        return found._replace(arguments=(image, *found.arguments[1:]))
    flags = (f"--from={image}" if flag.startswith("--from=") else flag for flag in found.flags)
    return found._replace(flags=tuple(flags))


def _read_back(text: str, name: str) -> tuple[Instruction, ...]:
    """What the parser reads in a rewritten Dockerfile."""
    return tuple(_content(instruction) for instruction in _parse(text, name))


def _content(instruction: Instruction) -> Instruction:
    """The instruction without how and where it is written."""
    return instruction._replace(original="", last_line=instruction.first_line)


def _text(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise invalid(name, f"it has {len(data)} bytes; the limit is {MAX_BYTES}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise invalid(name, "it is not UTF-8 text", data[: error.start].count(b"\n") + 1) from error
    if "\0" in text:
        raise invalid(name, "it contains a NUL character", text[: text.index("\0")].count("\n") + 1)
    return text


def _parse(text: str, name: str) -> tuple[Instruction, ...]:
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        if str(error) == _EMPTY:
            raise invalid(name, "it contains no instruction") from error
        raise invalid(name, str(error), _line_of_error(text)) from error
    if empty := next((command for command in commands if not command.cmd), None):  # a line with a backslash alone
        raise invalid(name, "an instruction has no name", empty.start_line)
    return tuple(
        Instruction(
            name=command.cmd.upper(),
            trigger=(command.sub_cmd or "").upper(),
            flags=command.flags,
            arguments=command.value,
            is_json=command.json,
            first_line=command.start_line,
            last_line=command.end_line,
            heredocs=tuple(Heredoc(found.name, found.content) for found in command.heredocs),
            original=_with_flags(command.original, command.flags),
        )
        for command in commands
    )


def _with_flags(original: str, flags: tuple[str, ...]) -> str:
    """The instruction with its flags as the parser reads them: `--chown="app"` is `--chown=app`."""
    written = _FLAGS.match(original)
    plain = all(flag.isascii() and re.fullmatch(r"[^\s'\"\\]+", flag) for flag in flags)
    return f"{written[1]} {' '.join(flags)}{original[written.end() :]}" if flags and plain and written else original


def _line_of_error(text: str) -> int:
    """The line where the parser fails. It does not say, so this finds the longest prefix that it accepts.

    0 if that prefix is much shorter than the text.
    """
    lines = _lines(text)
    for count in range(len(lines) - 1, max(0, len(lines) - _MAX_PREFIXES), -1):
        try:
            dockerfile.parse_string("".join(lines[:count]))
        except dockerfile.GoParseError as error:
            if str(error) != _EMPTY:
                continue
        return count + 1
    return 1 if len(lines) <= _MAX_PREFIXES else 0


def _lines(text: str) -> list[str]:
    """The lines with their ends, as the parser counts them: only a line feed ends one."""
    return list(io.StringIO(text, newline="\n"))


def _check_order(instructions: tuple[Instruction, ...], name: str) -> None:
    for instruction in instructions:
        if instruction.name == "FROM":
            return
        if instruction.name != "ARG":
            raise invalid(name, f"{instruction.name} comes before the first FROM", instruction.first_line)
    raise invalid(name, "it has no FROM")


def _global_args(instructions: tuple[Instruction, ...], build_args: Mapping[str, str], name: str) -> Mapping[str, str]:
    """The variables for FROM: each ARG before the first FROM, overridden by non-empty build arguments."""
    variables = dict(platforms.ARGUMENTS)
    given = {key: value for key, value in build_args.items() if value}
    for instruction in instructions:
        if instruction.name == "FROM":
            break
        for argument in instruction.arguments:
            key, equals, default = argument.partition("=")
            if equals:
                variables[key] = _expanded(default, variables | given, instruction, name)
    return variables | given


def _expanded(word: str, variables: Mapping[str, str], instruction: Instruction, name: str) -> str:
    try:
        return expand(word, variables)
    except ValueError as error:
        raise invalid(name, str(error), instruction.first_line) from error


def _stage_name(instruction: Instruction) -> str:
    """The name that FROM gives its build stage, in lower case; empty without one."""
    return instruction.arguments[2].lower() if instruction.name == "FROM" and len(instruction.arguments) > 1 else ""


def _check_stage_names(instructions: tuple[Instruction, ...], name: str) -> None:
    """Refuses two stages of one name: BuildKit takes the later one, Kaniko now the first and now the last."""
    lines: dict[str, int] = {}
    for instruction in instructions:
        if (stage := _stage_name(instruction)) and stage in lines:
            clause = f"the build stage of line {lines[stage]} is named {stage}, too; give each a name of its own"
            raise invalid(name, clause, instruction.first_line)
        lines[stage] = instruction.first_line


def _copy_from(instruction: Instruction) -> str:
    if instruction.name != "COPY":
        return ""
    return next((flag.partition("=")[2] for flag in instruction.flags if flag.startswith("--from=")), "")


def _is_stage(word: str, stages: list[str]) -> bool:
    """Whether `COPY --from` names an earlier build stage, by name or number; the current one does not count."""
    earlier = stages[:-1]
    number = stage_number(word)
    return word.lower() in earlier or (number is not None and number < len(earlier))


def _use(instruction: Instruction, word: str, image: str, name: str) -> Use:
    try:
        references.parse(image)
    except ValueError as error:
        meant = "" if word == image else f" (written {word})"
        raise invalid(name, f"the image {error}{meant}", instruction.first_line) from error
    return Use(instruction, word, image)


def _replace(lines: list[str], use: Use, pinned: str, name: str) -> None:
    first, last = use.instruction.first_line - 1, use.instruction.last_line - 1
    if use.instruction.name == "FROM":
        words = ("FROM", *use.instruction.flags, pinned, *use.instruction.arguments[1:])
        lines[first] = " ".join(words) + "\n"
        lines[first + 1 : last + 1] = ["\n"] * (last - first)
        return
    flag = re.compile(rf"(?<!\S)--from=(['\"]?){re.escape(use.word)}\1(?!\S)")
    for index in range(first, last + 1):
        if index > first and lines[index].lstrip().startswith("#"):  # a comment within the instruction
            continue
        lines[index], count = flag.subn(lambda _: f"--from={pinned}", lines[index], count=1)
        if count:
            return
    raise invalid(name, f"--from={use.word} must be on one line", use.instruction.first_line)


def invalid(name: str, clause: str, line: int = 0) -> StageError:
    """The failure of a Dockerfile that no builder would accept."""
    place = f"{name}, line {line}" if line else name
    return StageError(
        Reason.DOCKERFILE_INVALID,
        f"The Dockerfile {place}: {clause}.",
        f"Fix {f'line {line} of ' if line else ''}{name} and upload it, {REQUEST_AGAIN}",
    )
