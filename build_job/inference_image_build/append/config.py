"""What each instruction does to an image's configuration. Pure.

The configuration is the object `config` of https://github.com/opencontainers/image-spec/blob/main/config.md, as JSON.
The rules are BuildKit's: an unknown variable is empty, the later of ENV and ARG counts, an ENTRYPOINT without CMD
removes the base's CMD.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inference_image_build.dockerfile import durations, ports, signals
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.stages import State, within

Config = dict[str, Any]

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Kaniko's default for an image without any environment."""
_SHELL = ("/bin/sh", "-c")
_HEALTH = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


class Draft:
    """The configuration while the instructions of a Dockerfile change it."""

    def __init__(self, base: Mapping[str, Any], labels: Mapping[str, str]) -> None:
        self.config: Config = {key: value for key, value in base.items() if value is not None}
        self.config.setdefault("Env", [_PATH])
        if labels:
            self.config["Labels"] = {**self.config.get("Labels", {}), **labels}
        self.author = ""
        """The value of MAINTAINER."""
        self._state: State | None = None

    def expand(self, word: str) -> str:
        """A word with its variables replaced. Raises ValueError when it is not well-formed."""
        if self._state is None:
            raise ValueError("no instruction is applied")
        return self._state.expand(word)

    def path(self, word: str) -> str:
        """A word that is a path, cleaned. A trailing slash stays, because it marks a folder."""
        return clean(self.expand(word))

    @property
    def folder(self) -> str:
        """The working directory, to which relative paths refer."""
        return self.config.get("WorkingDir") or "/"

    def apply(self, instruction: Instruction, state: State) -> None:
        """Applies any instruction but FROM, ARG, COPY and ADD. Raises ValueError with what is wrong."""
        self._state = state
        _APPLY[instruction.name](self, instruction)

    def finished(self, instructions: Iterable[Instruction]) -> Config:
        """The configuration after the last instruction."""
        names = {instruction.name for instruction in instructions}
        if "ENTRYPOINT" in names and "CMD" not in names:
            self.config.pop("Cmd", None)
        return {key: value for key, value in self.config.items() if value not in ({}, [], "")}

    def env(self, instruction: Instruction) -> None:
        entries = list(self.config["Env"])
        names = [entry.partition("=")[0] for entry in entries]
        for name, value in self._pairs(instruction):
            if name in names:
                entries[names.index(name)] = f"{name}={value}"
            else:
                names.append(name)
                entries.append(f"{name}={value}")
        self.config["Env"] = entries

    def label(self, instruction: Instruction) -> None:
        self.config["Labels"] = {**self.config.get("Labels", {}), **dict(self._pairs(instruction))}

    def expose(self, instruction: Instruction) -> None:
        found = [port for word in instruction.arguments for port in ports.expand(self.expand(word))]
        self.config["ExposedPorts"] = {**self.config.get("ExposedPorts", {}), **{port: {} for port in found}}

    def workdir(self, instruction: Instruction) -> None:
        self.config["WorkingDir"] = within(self.folder, self.expand(instruction.arguments[0]))

    def user(self, instruction: Instruction) -> None:
        self.config["User"] = self.expand(instruction.arguments[0])

    def volume(self, instruction: Instruction) -> None:
        volumes: Config = {self.path(word): {} for word in instruction.arguments}
        self.config["Volumes"] = {**self.config.get("Volumes", {}), **volumes}

    def stopsignal(self, instruction: Instruction) -> None:
        text = self.expand(instruction.arguments[0])
        signals.check(text)
        self.config["StopSignal"] = text

    def shell(self, instruction: Instruction) -> None:
        self.config["Shell"] = list(instruction.arguments)

    def command(self, instruction: Instruction) -> None:
        """CMD and ENTRYPOINT; outside the JSON form, the shell runs them."""
        words = list(instruction.arguments)
        if not instruction.is_json:
            words = [*(self.config.get("Shell") or _SHELL), " ".join(words)]
        self.config["Cmd" if instruction.name == "CMD" else "Entrypoint"] = words

    def onbuild(self, instruction: Instruction) -> None:
        self.config["OnBuild"] = [*self.config.get("OnBuild", []), trigger(instruction)]

    def maintainer(self, instruction: Instruction) -> None:
        self.author = instruction.arguments[0]

    def healthcheck(self, instruction: Instruction) -> None:
        kind, *words = instruction.arguments
        if kind.upper() == "NONE":
            self.config["Healthcheck"] = {"Test": ["NONE"]}
            return
        check: Config = {"Test": ["CMD" if instruction.is_json else "CMD-SHELL", *words]}
        for flag in instruction.flags:
            name, _, value = flag.removeprefix("--").partition("=")
            number = int(value or 0) if name == "retries" else durations.nanoseconds(value)
            if number:
                check[_HEALTH.get(name, "Retries")] = number
        self.config["Healthcheck"] = check

    def _pairs(self, instruction: Instruction) -> list[tuple[str, str]]:
        """Names and values, expanded with the variables from before the instruction."""
        words = instruction.arguments
        return [(self.expand(name), self.expand(value)) for name, value in zip(words[::2], words[1::2], strict=True)]


_APPLY: Mapping[str, Callable[[Draft, Instruction], None]] = {
    "CMD": Draft.command,
    "ENTRYPOINT": Draft.command,
    "ENV": Draft.env,
    "EXPOSE": Draft.expose,
    "HEALTHCHECK": Draft.healthcheck,
    "LABEL": Draft.label,
    "MAINTAINER": Draft.maintainer,
    "ONBUILD": Draft.onbuild,
    "SHELL": Draft.shell,
    "STOPSIGNAL": Draft.stopsignal,
    "USER": Draft.user,
    "VOLUME": Draft.volume,
    "WORKDIR": Draft.workdir,
}


def trigger(instruction: Instruction) -> str:
    """The instruction that an ONBUILD keeps for later builds, as it is written."""
    return re.sub(r"^\s*ONBUILD\s*", "", instruction.original, flags=re.IGNORECASE)


def clean(path: str) -> str:
    """The shortest equivalent path; a trailing slash stays."""
    found = posixpath.normpath(path)
    found = "/" + found.lstrip("/") if found.startswith("/") else found
    return found + "/" if path.endswith("/") and not found.endswith("/") else found
