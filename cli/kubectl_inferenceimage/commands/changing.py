"""Subcommands that change an object of a cluster."""

import argparse
from collections.abc import Callable

from kubectl_inferenceimage.commands.command import Command, connected, duration, installation_flags, name_flags


def _verb(name: str) -> Callable[[argparse.Namespace], None]:
    def run(chosen: argparse.Namespace) -> None:
        from kubectl_inferenceimage.cluster import verbs

        getattr(verbs, name)(connected(chosen), chosen.name)

    return run


def _pin_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument("digest", metavar="DIGEST", help="a digest of its history, or the beginning of one")


def _pin(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.verbs import pin

    pin(connected(chosen), chosen.name, chosen.digest)


def _cancel_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _cancel(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.cancel import cancel

    cancel(connected(chosen), chosen.name, agreed=chosen.yes)


def _try_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument("pictures", metavar="PICTURE", nargs="+", help="files that the image gets, as they are")
    parser.add_argument(
        "--output", default=".", metavar="FOLDER", help="where PICTURE.boxes.png are written; default: this folder"
    )
    parser.add_argument("--timeout", type=duration, default="5m", help="for the image to be pulled and to be ready")
    parser.add_argument(
        "--local", action="store_true", help="start the image in a container on this machine, not in a pod"
    )
    parser.add_argument(
        "--engine", choices=("docker", "podman"), default="docker", help="the container engine for --local"
    )
    installation_flags(parser)


def _try(chosen: argparse.Namespace) -> int:
    from kubectl_inferenceimage import installation
    from kubectl_inferenceimage.cluster.trial.trial import Options, try_

    options = Options(chosen.pictures, chosen.output, chosen.timeout, chosen.engine if chosen.local else "")
    return try_(connected(chosen), chosen.name, installation.read(chosen.values, chosen.config), options)


COMMANDS = {
    "rebuild": Command("request another run", name_flags, _verb("rebuild")),
    "suspend": Command("start no new Jobs", name_flags, _verb("suspend")),
    "resume": Command("start Jobs again", name_flags, _verb("resume")),
    "pin": Command("hold an image of the history against polls and edits", _pin_flags, _pin),
    "unpin": Command("go on with new content", name_flags, _verb("unpin")),
    "try": Command("send pictures to the published image, in a pod that ends with the command", _try_flags, _try),
    "cancel": Command("suspend an object and delete its running Job", _cancel_flags, _cancel),
}
