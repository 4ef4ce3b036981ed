"""The form of each Dockerfile instruction, beyond what the parser checks. Pure.

The rules are those of BuildKit's `instructions` package, which Kaniko uses: what is refused here would fail the build.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from inference_image_build.dockerfile import durations, modes, mounts

STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_COUNT = re.compile(r"\+?\d{1,9}|")
_STAGE_NUMBER = re.compile(r"[0-9]{1,9}")
_OTHER_QUOTES = re.compile(r"\[\s*['\u2018\u2019\u201c\u201d]")
"""How a list begins in single quotes, or in those of a word processor."""
_MAX_SOURCES = 500
"""Each is compared with every file. One with `*` names any number of files."""
_NETWORKS = frozenset({"--network=default", "--network=none", "--network=host"})
REMOTE = ("http://", "https://", "git://", "git@", "ssh://")
"""How a source begins that ADD fetches."""
_SECURITY = frozenset({"--security=sandbox", "--security=insecure"})
_HEREDOC = re.compile(r"\d*<<-?\s*['\"]?[A-Za-z0-9_.]+['\"]?")


def stage_number(word: str) -> int | None:
    """The number of a build stage that `--from` names; None for a name."""
    return int(word) if _STAGE_NUMBER.fullmatch(word) else None


class Heredoc(NamedTuple):
    """A document within an instruction."""

    name: str
    content: str
    """As it is written, with the tabs that `<<-` removes."""


class Instruction(NamedTuple):
    """One instruction. Lines count from 1, both ends included; `flags` are the words that start with `--`."""

    name: str
    trigger: str
    """What ONBUILD triggers, upper case; empty for every other instruction."""
    flags: tuple[str, ...]
    arguments: tuple[str, ...]
    is_json: bool
    first_line: int
    last_line: int
    heredocs: tuple[Heredoc, ...] = ()
    original: str = ""
    """The instruction as it is written, continuation lines joined."""

    def flag(self, name: str) -> str | None:
        """The value of a flag, empty for a switch without one; None if it is not set."""
        return next(iter(self.values(name)), None)

    def values(self, name: str) -> tuple[str, ...]:
        """The values of a flag that can be given several times."""
        parts = (flag.removeprefix("--").partition("=") for flag in self.flags)
        return tuple(value for found, _, value in parts if found == name)

    def switch(self, name: str) -> bool:
        """Whether a boolean flag is set."""
        return (self.flag(name) or "true").lower() == "true" and self.flag(name) is not None


class Rule(NamedTuple):
    """The flags of an instruction, which of them are boolean, and a check of its arguments."""

    check: Callable[[Instruction], str]
    flags: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()
    repeatable: frozenset[str] = frozenset()


def fault(instruction: Instruction) -> str:
    """What is wrong with the instruction, as a clause without its line; empty when nothing is."""
    rule = RULES.get(instruction.name)
    if rule is None:
        close = difflib.get_close_matches(instruction.name, RULES, n=1)
        return f"unknown instruction {instruction.name}" + (f" (did you mean {close[0]}?)" if close else "")
    return _flag_fault(instruction, rule) or rule.check(instruction)


def _flag_fault(instruction: Instruction, rule: Rule) -> str:
    seen: set[str] = set()
    for flag in instruction.flags:
        name, equals, value = flag.removeprefix("--").partition("=")
        if name not in rule.flags:
            return f"{instruction.name} has no flag --{name}"
        if name in seen and name not in rule.repeatable:
            return f"{instruction.name} has the flag --{name} twice"
        seen.add(name)
        if name in rule.switches:
            if equals and value.lower() not in {"true", "false"}:
                return f"--{name} takes true or false, not {value!r}"
        elif not equals or (name == "from" and not value):
            return f"the flag --{name} has no value"
    return ""


def _from(instruction: Instruction) -> str:
    arguments = instruction.arguments
    if len(arguments) not in {1, 3} or (len(arguments) == 3 and arguments[1].upper() != "AS"):  # noqa: PLR2004
        return "FROM takes an image, or an image, AS and a name"
    if len(arguments) == 3 and not STAGE_NAME.fullmatch(arguments[2].lower()):  # noqa: PLR2004 - image, AS, name
        return f"{arguments[2]!r} is not a valid name for a build stage (a letter, then letters, digits and - _ .)"
    return ""


def _list_fault(instruction: Instruction) -> str:
    """A list in quotes that JSON does not have is read as words, which name no files."""
    is_list = not instruction.is_json and _OTHER_QUOTES.match(" ".join(instruction.arguments))
    return f'the list of {instruction.name} needs double quotes: ["...", "..."]' if is_list else ""


def _copy(instruction: Instruction) -> str:
    return _list_fault(instruction) or _words_fault(instruction)


def _words_fault(instruction: Instruction) -> str:
    """What is wrong with the words and the mode of COPY or ADD."""
    if len(instruction.arguments) < 2:  # noqa: PLR2004 - a source and a destination
        return f"{instruction.name} takes at least one source and a destination"
    if len(instruction.arguments) > _MAX_SOURCES:
        return f"{instruction.name} takes at most {_MAX_SOURCES} sources and destinations"
    if _HEREDOC.fullmatch(instruction.arguments[-1]):
        return f"{instruction.name} cannot have a heredoc as its destination"
    mode = instruction.flag("chmod") or "0"
    if "$" not in mode and (clause := modes.fault(mode)):
        return clause
    remote = [word for word in instruction.arguments[:-1] if word.startswith(REMOTE)]
    if remote and instruction.name == "COPY":
        return f"COPY takes files of the source, not {remote[0]}; ADD downloads"
    return ""


def _one(instruction: Instruction) -> str:
    return "" if len(instruction.arguments) == 1 else f"{instruction.name} takes exactly one argument"


def _some(instruction: Instruction) -> str:
    return "" if instruction.arguments else f"{instruction.name} takes at least one argument"


def _pairs(instruction: Instruction) -> str:
    """ENV and LABEL: the parser gives names and values in turn."""
    names = instruction.arguments[::2]
    return _some(instruction) or ("" if all(names) else f"{instruction.name} has a blank name")


def _arg(instruction: Instruction) -> str:
    names = (argument.partition("=")[0] for argument in instruction.arguments)
    return _some(instruction) or ("" if all(names) else "ARG has a blank name")


def _volume(instruction: Instruction) -> str:
    blank = any(not argument.strip() for argument in instruction.arguments)
    return _some(instruction) or ("VOLUME has an empty path" if blank else _list_fault(instruction))


def _shell(instruction: Instruction) -> str:
    return _some(instruction) or ("" if instruction.is_json else 'SHELL takes a JSON array: SHELL ["/bin/sh", "-c"]')


def _onbuild(instruction: Instruction) -> str:
    if not instruction.trigger:
        return "ONBUILD takes an instruction"
    if instruction.trigger in {"ONBUILD", "FROM", "MAINTAINER"}:
        return f"ONBUILD cannot trigger {instruction.trigger}"
    return ""


def _healthcheck(instruction: Instruction) -> str:
    if not instruction.arguments:
        return "HEALTHCHECK takes CMD and a command, or NONE"
    kind, *command = instruction.arguments
    if kind.upper() == "NONE":
        return "HEALTHCHECK NONE takes nothing else" if command else ""
    if kind.upper() != "CMD":
        return f"HEALTHCHECK takes CMD or NONE, not {kind!r}"
    return _health_flags(instruction) or ("" if any(command) else "HEALTHCHECK CMD has no command")


def _health_flags(instruction: Instruction) -> str:
    for flag in instruction.flags:
        name, _, value = flag.partition("=")
        form, what = (_COUNT, "a number") if name == "--retries" else (durations.FORM, "a duration such as 30s")
        if not form.fullmatch(value):
            return f"{name} takes {what}, not {value!r}"
    return ""


def _run(instruction: Instruction) -> str:
    for flag in instruction.flags:
        if flag.startswith("--network=") and flag not in _NETWORKS:
            return f"--network takes default, none or host, not {flag.partition('=')[2]!r}"
        if flag.startswith("--security=") and flag not in _SECURITY:
            return f"--security takes sandbox or insecure, not {flag.partition('=')[2]!r}"
    for mount in instruction.values("mount"):
        if clause := mounts.fault(mount):
            return clause
    if instruction.heredocs and instruction.is_json:
        return "RUN with a JSON array takes no heredoc"
    return ""


def _anything(_instruction: Instruction) -> str:
    return ""


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


RULES: Mapping[str, Rule] = {
    "ADD": Rule(
        _copy,
        flags=_set("chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"),
        switches=_set("link", "keep-git-dir", "unpack"),
        repeatable=_set("exclude"),
    ),
    "ARG": Rule(_arg),
    "CMD": Rule(_anything),
    "COPY": Rule(
        _copy,
        flags=_set("chown", "chmod", "from", "link", "parents", "exclude"),
        switches=_set("link", "parents"),
        repeatable=_set("exclude"),
    ),
    "ENTRYPOINT": Rule(_anything),
    "ENV": Rule(_pairs),
    "EXPOSE": Rule(_some),
    "FROM": Rule(_from, flags=_set("platform")),
    "HEALTHCHECK": Rule(_healthcheck, flags=_set("interval", "timeout", "start-period", "start-interval", "retries")),
    "LABEL": Rule(_pairs),
    "MAINTAINER": Rule(_one),
    "ONBUILD": Rule(_onbuild),
    "RUN": Rule(_run, flags=_set("mount", "network", "security", "device"), repeatable=_set("mount", "device")),
    "SHELL": Rule(_shell),
    "STOPSIGNAL": Rule(_one),
    "USER": Rule(_one),
    "VOLUME": Rule(_volume),
    "WORKDIR": Rule(_one),
}
