"""Stands in for `docker` or `podman` before kaniko-wrapper, and completes the command line that it runs Kaniko with.

kaniko-wrapper has no words for most of what the cluster tells Kaniko. A folder with a script of the engine's name is
first on its PATH; the script runs this file, which runs the engine. It uses the standard library alone.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict


class Plan(TypedDict):
    """What is added to the wrapper's command line. No secret is part of it."""

    program: str
    """Path of the real engine."""
    home: str
    """The home directory that the engine itself knows."""
    mount: str
    """`folder:target` as the wrapper mounts the context."""
    mount_as: str
    """The same folder at the target that it has in the cluster."""
    options: list[str]
    """Options of the engine."""
    arguments: list[str]
    """Arguments of Kaniko. They come after the wrapper's, and the last of two wins."""


def completed(words: Sequence[str], plan: Plan) -> list[str]:
    """The command line of the engine; any other command than `run` is left as it is.

    Raises ValueError when the wrapper mounts something else than expected.
    """
    command = list(words)
    if not command or command[0] != "run":
        return command
    if command.count(plan["mount"]) != 1:
        raise ValueError("kaniko-wrapper does not run Kaniko as its version 2.0.3 does; install that version")
    command[command.index(plan["mount"])] = plan["mount_as"]
    return [command[0], *plan["options"], *command[1:], *plan["arguments"]]


def environment(found: Mapping[str, str], plan: Plan) -> dict[str, str]:
    """The engine's environment: with its user's own home directory, where its storage and settings are."""
    return {**found, "HOME": plan["home"]}


def main(arguments: Sequence[str]) -> None:
    """Becomes the engine; ends with a message when that cannot be."""
    plan: Plan = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        command = completed(arguments[1:], plan)
    except ValueError as error:
        sys.exit(f"error: {error}")
    os.execve(plan["program"], [plan["program"], *command], environment(os.environ, plan))  # noqa: S606 - no shell


if __name__ == "__main__":
    main(sys.argv[1:])
