"""What each instruction does to an image's configuration. Pure.

The configuration is the object `config` of https://github.com/opencontainers/image-spec/blob/main/config.md, as JSON.
The rules are Kaniko's: an unknown variable is empty, ENV overrides ARG, an ENTRYPOINT without CMD removes the base's
CMD.
"""

import posixpath
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.dockerfile.variables import expand

Config = dict[str, Any]

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Kaniko's default for an image without any environment."""
_SHELL = ("/bin/sh", "-c")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)")
_HEALTH = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


class Draft:
    """The configuration while the instructions of a Dockerfile change it, and the values of its ARGs."""

    def __init__(self, base: Mapping[str, Any], build_args: Mapping[str, str], labels: Mapping[str, str]) -> None:
        self.config: Config = {key: value for key, value in base.items() if value is not None}
        self.config.setdefault("Env", [_PATH])
        if labels:
            self.config["Labels"] = {**self.config.get("Labels", {}), **labels}
        self._given = build_args
        self._global: dict[str, str] = {}
        self._args: dict[str, str] = {}

    def expand(self, word: str) -> str:
        """A word with its variables replaced. Raises ValueError when it is not well-formed."""
        return expand(word, self._args | self._env())

    def path(self, word: str) -> str:
        """A word that is a path, cleaned. A trailing slash stays, because it marks a folder."""
        return clean(self.expand(word))

    @property
    def folder(self) -> str:
        """The working directory, to which relative paths refer."""
        return self.config.get("WorkingDir") or "/"

    def apply(self, instruction: Instruction) -> None:
        """Applies any instruction but FROM, COPY and ADD. Raises ValueError with what is wrong."""
        _APPLY[instruction.name](self, instruction)

    def apply_global(self, instruction: Instruction) -> None:
        """Applies an ARG before FROM: a default for later ARGs of the same name."""
        for argument in instruction.arguments:
            name, equals, default = argument.partition("=")
            if name in self._given:
                self._global[name] = self._given[name]
            elif equals:
                self._global[name] = expand(default, self._global)

    def finished(self, instructions: Iterable[Instruction]) -> Config:
        """The configuration after the last instruction."""
        names = {instruction.name for instruction in instructions}
        if "ENTRYPOINT" in names and "CMD" not in names:
            self.config.pop("Cmd", None)
        return {key: value for key, value in self.config.items() if value not in ({}, [], "")}

    def _env(self) -> dict[str, str]:
        return dict(entry.split("=", 1) if "=" in entry else (entry, "") for entry in self.config["Env"])

    def arg(self, instruction: Instruction) -> None:
        for argument in instruction.arguments:
            word, equals, default = argument.partition("=")
            name = self.expand(word)
            if name in self._given:
                self._args[name] = self._given[name]
            elif equals:
                self._args[name] = self.expand(default)
            elif name in self._global:
                self._args[name] = self._global[name]

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
        ports = dict(self.config.get("ExposedPorts", {}))
        for word in instruction.arguments:
            port, _, protocol = self.expand(word).partition("/")
            if (protocol or "tcp").lower() not in _PROTOCOLS:
                raise ValueError(f"EXPOSE has the unknown protocol {protocol!r}; use tcp, udp or sctp")
            ports[f"{port}/{protocol or 'tcp'}"] = {}
        self.config["ExposedPorts"] = ports

    def workdir(self, instruction: Instruction) -> None:
        path = self.path(instruction.arguments[0])
        self.config["WorkingDir"] = path if path.startswith("/") else clean(f"{self.folder}/{path}").rstrip("/") or "/"

    def user(self, instruction: Instruction) -> None:
        self.config["User"] = ":".join(self.expand(part) for part in instruction.arguments[0].split(":")[:2])

    def volume(self, instruction: Instruction) -> None:
        volumes: Config = {self.path(word): {} for word in instruction.arguments}
        self.config["Volumes"] = {**self.config.get("Volumes", {}), **volumes}

    def stopsignal(self, instruction: Instruction) -> None:
        text = self.expand(instruction.arguments[0])
        known = f"SIG{text.upper().removeprefix('SIG')}" in signal.Signals.__members__
        if not (known or re.fullmatch(r"[1-9]\d?|(?:SIG)?RTM(?:IN|AX)(?:[+-]\d{1,2})?", text.upper())):
            raise ValueError(f"{text!r} is not a signal")
        self.config["StopSignal"] = text

    def shell(self, instruction: Instruction) -> None:
        self.config["Shell"] = list(instruction.arguments)

    def command(self, instruction: Instruction) -> None:
        """CMD and ENTRYPOINT; outside the JSON form, the shell runs them."""
        words = list(instruction.arguments)
        if not instruction.is_json:
            words = [*(self.config.get("Shell") or _SHELL), " ".join(words)]
        self.config["Cmd" if instruction.name == "CMD" else "Entrypoint"] = words

    def healthcheck(self, instruction: Instruction) -> None:
        kind, *words = instruction.arguments
        if kind.upper() == "NONE":
            self.config["Healthcheck"] = {"Test": ["NONE"]}
            return
        check: Config = {"Test": ["CMD" if instruction.is_json else "CMD-SHELL", *words]}
        for flag in instruction.flags:
            name, _, value = flag.removeprefix("--").partition("=")
            number = int(value or 0) if name == "retries" else nanoseconds(value)
            if number:
                check[_HEALTH.get(name, "Retries")] = number
        self.config["Healthcheck"] = check

    def _pairs(self, instruction: Instruction) -> list[tuple[str, str]]:
        """Names and values, expanded with the variables from before the instruction."""
        words = instruction.arguments
        return [(self.expand(name), self.expand(value)) for name, value in zip(words[::2], words[1::2], strict=True)]


_APPLY: Mapping[str, Callable[[Draft, Instruction], None]] = {
    "ARG": Draft.arg,
    "CMD": Draft.command,
    "ENTRYPOINT": Draft.command,
    "ENV": Draft.env,
    "EXPOSE": Draft.expose,
    "HEALTHCHECK": Draft.healthcheck,
    "LABEL": Draft.label,
    "SHELL": Draft.shell,
    "STOPSIGNAL": Draft.stopsignal,
    "USER": Draft.user,
    "VOLUME": Draft.volume,
    "WORKDIR": Draft.workdir,
}


def clean(path: str) -> str:
    """The shortest equivalent path; a trailing slash stays."""
    found = posixpath.normpath(path)
    found = "/" + found.lstrip("/") if found.startswith("/") else found
    return found + "/" if path.endswith("/") and not found.endswith("/") else found


def nanoseconds(text: str) -> int:
    """A duration in Go's format (`1m30s`), which `dockerfile.rules` has checked."""
    return sum(int(float(number) * _NANOSECONDS[unit]) for number, unit in _DURATION.findall(text))
