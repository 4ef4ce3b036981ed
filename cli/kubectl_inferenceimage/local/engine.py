"""Replaces `docker` or `podman` for kaniko-wrapper, and completes the command line that runs Kaniko.

kaniko-wrapper has no options for most arguments that the cluster gives Kaniko. So a script with the engine's name is
first on its PATH; the script runs this file, which runs the engine. This file uses only the standard library.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict


class Plan(TypedDict):
    """Additions to the wrapper's command line. It contains no secret."""

    program: str
    """Path of the real engine."""
    home: str
    """The home directory of the engine's user."""
    mount: str
    """`folder:target`, the wrapper's mount of the context."""
    mount_as: str
    """The same folder, mounted where the cluster mounts it."""
    options: list[str]
    """Options of the engine."""
    arguments: list[str]
    """Arguments of Kaniko. They come after the wrapper's and override them."""


def completed(words: Sequence[str], plan: Plan) -> list[str]:
    """The command line of the engine; commands other than `run` stay unchanged.

    Raises ValueError when the wrapper's mount is not the expected one.
    """
    command = list(words)
    if not command or command[0] != "run":
        return command
    if command.count(plan["mount"]) != 1:
        raise ValueError("this version of kaniko-wrapper runs Kaniko in another way than 2.0.3; install 2.0.3")
    command[command.index(plan["mount"])] = plan["mount_as"]
    return [command[0], *plan["options"], *command[1:], *plan["arguments"]]


def environment(found: Mapping[str, str], plan: Plan) -> dict[str, str]:
    """The engine's environment: HOME is the user's home directory, which has its storage and settings."""
    return {**found, "HOME": plan["home"]}


def main(arguments: Sequence[str]) -> None:
    """Replaces this process with the engine; exits with a message when it cannot."""
    plan: Plan = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        command = completed(arguments[1:], plan)
    except ValueError as error:
        sys.exit(f"error: {error}")
    os.execve(plan["program"], [plan["program"], *command], environment(os.environ, plan))  # noqa: S606 - no shell


if __name__ == "__main__":
    main(sys.argv[1:])
