"""What a subcommand is, and the flags that several share."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kubectl_inferenceimage.cluster.connection import Cluster


_KEYS = "YAML file with publicKey and privateKey; default: the variables UFILE_PUBLIC_KEY and UFILE_PRIVATE_KEY"


class Command(NamedTuple):
    """A subcommand."""

    help: str
    add_flags: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int | None]
    """Returns the exit code; None for success."""


def manifest_flags(parser: argparse.ArgumentParser) -> None:
    """The manifest, and the installation that it is for."""
    parser.add_argument(
        "-f",
        "--filename",
        required=True,
        metavar="FILE",
        help="the manifest of an InferenceImage; - for standard input",
    )
    parser.add_argument("-n", "--namespace", default="", help="the namespace, if the manifest has none")
    installation_flags(parser)


def installation_flags(parser: argparse.ArgumentParser) -> None:
    """The installation, from one of two files."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--values", default="", metavar="FILE", help="the installation, as values of the chart")
    which.add_argument("--config", default="", metavar="FILE", help="the installation, as the operator's config.yaml")


def name_flags(parser: argparse.ArgumentParser) -> None:
    """One object of a cluster."""
    parser.add_argument("name", metavar="NAME", help="the InferenceImage")
    cluster_flags(parser)


def cluster_flags(parser: argparse.ArgumentParser) -> None:
    """A namespace of a cluster, with kubectl's flags."""
    parser.add_argument("-n", "--namespace", default="", help="its namespace; default: the context's")
    parser.add_argument("--context", default="", help="the context of the kubeconfig; default: the current one")
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help="the kubeconfig; default: kubectl's")


def keys_flag(parser: argparse.ArgumentParser) -> None:
    """Keys of US3 (formerly UFile)."""
    parser.add_argument("--ufile-keys", default="", metavar="FILE", help=_KEYS)


def login_flags(parser: argparse.ArgumentParser) -> None:
    """Keys of US3 (formerly UFile), and logins and CA of the registry."""
    keys_flag(parser)
    parser.add_argument(
        "--authfile", default="", metavar="FILE", help="registry logins; default: the logins of docker and podman"
    )
    parser.add_argument(
        "--registry-ca", default="", metavar="FILE", help="the CA certificate of spec.image.caSecretRef"
    )


def connected(chosen: argparse.Namespace) -> "Cluster":
    """The cluster that `cluster_flags` name. Raises CommandError."""
    from kubectl_inferenceimage.cluster.connection import connect

    return connect(chosen.kubeconfig, chosen.context, chosen.namespace)


def duration(text: str) -> int:
    """The type of a flag such as `90s` or `1h30m`: seconds."""
    from inference_image_operator.api import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
