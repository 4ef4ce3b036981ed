"""Subcommands that change an object of a cluster."""

import argparse
from collections.abc import Callable

from kubectl_inferenceimage.commands.command import Command, connected, name_flags


def _verb(name: str) -> Callable[[argparse.Namespace], None]:
    def run(chosen: argparse.Namespace) -> None:
        from kubectl_inferenceimage.cluster import verbs

        getattr(verbs, name)(connected(chosen), chosen.name)

    return run


COMMANDS = {
    "rebuild": Command("request another run", name_flags, _verb("rebuild")),
    "suspend": Command("start no new Jobs", name_flags, _verb("suspend")),
    "resume": Command("start Jobs again", name_flags, _verb("resume")),
}
