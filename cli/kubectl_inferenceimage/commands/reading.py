"""Subcommands that read from a cluster."""

import argparse

from kubectl_inferenceimage.commands.command import (
    Command,
    cluster_flags,
    connected,
    duration,
    installation_flags,
    keys_flag,
    login_flags,
    name_flags,
)


def _get_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="one InferenceImage; default: all")
    cluster_flags(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="list those of all namespaces")
    parser.add_argument(
        "-o", "--output", choices=("wide", "json", "yaml", "name"), default="", help="another form than the table"
    )


def _get(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.get import get

    get(connected(chosen), chosen.name, chosen.output, everywhere=chosen.all_namespaces)


def _describe(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.describe import describe

    describe(connected(chosen), chosen.name)


def _watch_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument("--timeout", type=duration, default="24h", help="how long to wait for the end of the run")


def _watch(chosen: argparse.Namespace) -> int:
    from kubectl_inferenceimage.cluster.watch.watch import watch

    return watch(connected(chosen), chosen.name, chosen.timeout)


def _why_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument(
        "-f",
        "--filename",
        default="",
        metavar="FILE",
        help="say what applying this manifest would cause; - for standard input",
    )
    installation_flags(parser)
    keys_flag(parser)


def _why(chosen: argparse.Namespace) -> None:
    from inference_image_store import to_stderr
    from kubectl_inferenceimage import installation
    from kubectl_inferenceimage.cluster.why.why import why, why_file

    to_stderr()
    config = installation.read(chosen.values, chosen.config)
    if not chosen.filename:
        why(connected(chosen), chosen.name, config, chosen.ufile_keys)
        return
    is_known = bool(chosen.values or chosen.config)
    why_file(connected(chosen), chosen.name, chosen.filename, config, is_known=is_known)


def _logs_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    parser.add_argument(
        "--stage",
        default="",
        help="the stage, such as Build; default: the one at work, or else the one that failed last",
    )
    parser.add_argument("--attempt", type=int, default=0, metavar="N", help="an attempt, from 1; default: the newest")
    parser.add_argument("--tail", type=int, default=200, metavar="LINES", help="of each container; -1 for all")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the pod ends")


def _logs(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.logs.logs import Options, logs

    logs(connected(chosen), chosen.name, Options(chosen.stage, chosen.attempt, chosen.tail, chosen.follow))


def _dashboard_flags(parser: argparse.ArgumentParser) -> None:
    cluster_flags(parser)
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="show the objects of all namespaces")
    parser.add_argument("--port", type=int, default=0, help="the port on loopback; default: a free one")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument(
        "--pictures", default=".", metavar="FOLDER", help="the folder into which try drew boxes; default: this folder"
    )


def _dashboard(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.dashboard.dashboard import dashboard

    cluster, everywhere = connected(chosen), chosen.all_namespaces
    dashboard(cluster, chosen.port, chosen.pictures, everywhere=everywhere, browser=chosen.open)


def _history(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.verbs import history

    history(connected(chosen), chosen.name)


def _verify_flags(parser: argparse.ArgumentParser) -> None:
    name_flags(parser)
    installation_flags(parser)
    parser.add_argument(
        "--engine", choices=("docker", "podman"), default="docker", help="the engine whose registry logins come first"
    )
    login_flags(parser)


def _verify(chosen: argparse.Namespace) -> int:
    from inference_image_store import to_stderr
    from kubectl_inferenceimage import installation
    from kubectl_inferenceimage.cluster.verify.verify import Options, verify

    to_stderr()
    options = Options(chosen.engine, chosen.authfile, chosen.registry_ca, chosen.ufile_keys)
    return verify(connected(chosen), chosen.name, installation.read(chosen.values, chosen.config), options)


def _check_flags(parser: argparse.ArgumentParser) -> None:
    cluster_flags(parser)
    installation_flags(parser)


def _check(chosen: argparse.Namespace) -> int:
    from kubectl_inferenceimage import installation
    from kubectl_inferenceimage.cluster.check.check import check

    return check(connected(chosen), installation.read(chosen.values, chosen.config))


def _report_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="one InferenceImage; default: all")
    cluster_flags(parser)
    parser.add_argument(
        "--output",
        default="",
        metavar="FILE",
        help="the archive, .tar.gz; default: a name with the time, in this folder",
    )


def _report(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.cluster.report.report import report

    report(connected(chosen), chosen.name, chosen.output)


COMMANDS = {
    "get": Command("list objects with their stage, reason, age and digest", _get_flags, _get),
    "describe": Command("show stages, Jobs, pods, the image, and a failure with its remedy", name_flags, _describe),
    "watch": Command("follow a run until it ends, with the time that each stage takes", _watch_flags, _watch),
    "why": Command("say what changed since the image before, or what a manifest would change", _why_flags, _why),
    "logs": Command("print the logs of a stage's containers, or follow them", _logs_flags, _logs),
    "dashboard": Command(
        "serve a page on loopback: objects, live stages, failures, history, and what images are made of",
        _dashboard_flags,
        _dashboard,
    ),
    "history": Command("list the published images, the newest first", name_flags, _history),
    "verify": Command("compare the registry and US3 with what the status says", _verify_flags, _verify),
    "check": Command("check the installation, your rights and the namespace", _check_flags, _check),
    "report": Command("write an archive for a bug report, with secrets masked", _report_flags, _report),
}
