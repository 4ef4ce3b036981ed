"""The command line: a table of subcommands, each with its flags and its function.

A function imports what it needs itself, so that --help does not wait for the Kubernetes client.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kubectl_inferenceimage.errors import CommandError

if TYPE_CHECKING:
    from kubectl_inferenceimage.cluster.connection import Cluster


class Command(NamedTuple):
    """A subcommand."""

    help: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def _render(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage import installation, manifest
    from kubectl_inferenceimage.render import render

    image = manifest.read(chosen.filename, chosen.namespace)
    print(render(image, installation.read(chosen.values, chosen.config)), end="")


_KEYS = "YAML file with publicKey and privateKey; default: the variables UFILE_PUBLIC_KEY and UFILE_PRIVATE_KEY"


def _build_flags(parser: argparse.ArgumentParser) -> None:
    _common_flags(parser)
    parser.add_argument(
        "--local", action="store_true", required=True, help="build on this machine (required; there is no other mode)"
    )
    parser.add_argument(
        "--engine", choices=("docker", "podman"), default="docker", help="the container engine that runs Kaniko"
    )
    parser.add_argument(
        "--executor", default="", metavar="IMAGE", help="Kaniko's image; default: images.kaniko of the values"
    )
    parser.add_argument(
        "--push", action="store_true", help="push the image under its content tag instead of writing an archive"
    )
    parser.add_argument(
        "--output", default="", metavar="FILE", help="the archive to write; default: NAME.tar in this folder"
    )
    parser.add_argument("--ufile-keys", default="", metavar="FILE", help=_KEYS)
    parser.add_argument(
        "--authfile", default="", metavar="FILE", help="registry logins; default: the logins of docker and podman"
    )
    parser.add_argument(
        "--registry-ca", default="", metavar="FILE", help="the CA certificate of spec.image.caSecretRef"
    )
    parser.add_argument(
        "--config-map", default="", metavar="FOLDER", help="a folder with the files of spec.source.configMap"
    )
    parser.add_argument(
        "--git-secret",
        default="",
        metavar="FOLDER",
        help="a folder with the keys of spec.source.git.secretRef as files",
    )


def _build(chosen: argparse.Namespace) -> None:
    from inference_image_store import to_stderr
    from kubectl_inferenceimage import installation, manifest
    from kubectl_inferenceimage.local.build import Options, build

    to_stderr()
    options = Options(
        engine=chosen.engine,
        executor=chosen.executor,
        push=chosen.push,
        output=chosen.output,
        keys=chosen.ufile_keys,
        authfile=chosen.authfile,
        registry_ca=chosen.registry_ca,
        config_map=chosen.config_map,
        git_secret=chosen.git_secret,
    )
    image = manifest.read(chosen.filename, chosen.namespace)
    print(build(image, installation.read(chosen.values, chosen.config), options))


def _common_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--filename",
        required=True,
        metavar="FILE",
        help="the manifest of an InferenceImage; - for standard input",
    )
    parser.add_argument("-n", "--namespace", default="", help="the namespace, if the manifest has none")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--values", default="", metavar="FILE", help="the installation, as values of the chart")
    which.add_argument("--config", default="", metavar="FILE", help="the installation, as the operator's config.yaml")


def _cluster_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the InferenceImage")
    parser.add_argument("-n", "--namespace", default="", help="its namespace; default: the context's")
    parser.add_argument("--context", default="", help="the context of the kubeconfig; default: the current one")
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help="the kubeconfig; default: kubectl's")


def _connected(chosen: argparse.Namespace) -> "Cluster":
    from kubectl_inferenceimage.cluster.connection import connect

    return connect(chosen.kubeconfig, chosen.context, chosen.namespace)


def _describe(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.describe import describe

    describe(_connected(chosen), chosen.name)


def _logs_flags(parser: argparse.ArgumentParser) -> None:
    _cluster_flags(parser)
    parser.add_argument(
        "--stage",
        default="",
        help="the stage, such as Build; default: the one at work, or else the one that failed last",
    )


def _logs(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.logs import logs

    logs(_connected(chosen), chosen.name, chosen.stage)


def _verb(name: str) -> Callable[[argparse.Namespace], None]:
    def run(chosen: argparse.Namespace) -> None:
        from kubectl_inferenceimage.cluster import verbs

        getattr(verbs, name)(_connected(chosen), chosen.name)

    return run


COMMANDS = {
    "describe": Command("show stages, Jobs, pods, the image, and a failure with its remedy", _cluster_flags, _describe),
    "logs": Command("print the logs of a stage's containers", _logs_flags, _logs),
    "history": Command("list the published images, the newest first", _cluster_flags, _verb("history")),
    "rebuild": Command("request another run", _cluster_flags, _verb("rebuild")),
    "suspend": Command("start no new Jobs", _cluster_flags, _verb("suspend")),
    "resume": Command("start Jobs again", _cluster_flags, _verb("resume")),
    "render": Command("print the Jobs that would run; needs no cluster", _common_flags, _render),
    "build": Command("build the image on this machine with docker or podman", _build_flags, _build),
}


PROGRAM = "kubectl inferenceimage"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand. Returns 0, or 1 with a message on standard error; exits with 2 for an invalid command line."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="SUBCOMMAND")
    for name, command in COMMANDS.items():
        command.add_flags(subcommands.add_parser(name, help=command.help, description=command.help))
    chosen = parser.parse_args(arguments)
    try:
        COMMANDS[chosen.command].run(chosen)
    except CommandError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or chosen.command}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as in a shell
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
