"""Subcommands that need no cluster."""

import argparse

from kubectl_inferenceimage.commands.command import Command, login_flags, manifest_flags


def _create_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the InferenceImage")
    parser.add_argument("-n", "--namespace", default="", help="its namespace; default: none in the manifest")
    parser.add_argument("--bucket", default="", help="the bucket of US3")
    parser.add_argument("--region", default="", help="its region, such as cn-bj")
    parser.add_argument("--prefix", default="", help="the prefix of the training output")
    parser.add_argument("--step", type=int, default=0, help="the checkpoint's step; default: policy Latest")
    parser.add_argument(
        "--config", default="", metavar="KEY", help="the pipeline config, below the prefix; default: pipeline.config"
    )
    parser.add_argument("--label-map", default="", metavar="KEY", help="the label map")
    parser.add_argument(
        "--source", default="", help="a prefix or an archive of the bucket, or the URL of a Git repository with #REF"
    )
    parser.add_argument("--dockerfile", default="", metavar="PATH", help="within the source; default: Dockerfile")
    parser.add_argument("--repository", default="", help="the repository of the image")
    parser.add_argument("--tag", action="append", default=[], help="a tag; can be repeated; default: latest")
    parser.add_argument("--ufile-secret", default="ufile", metavar="SECRET", help="the Secret with the keys of US3")
    parser.add_argument(
        "--push-secret", default="uhub", metavar="SECRET", help="the Secret with the registry's login; empty for none"
    )
    parser.add_argument(
        "--output", default="", metavar="FILE", help="a file that does not exist; default: standard output"
    )


def _create(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage.create import create, write

    text = create(chosen.name, vars(chosen))
    print(write(text, chosen.output), end="")


def _render(chosen: argparse.Namespace) -> None:
    from kubectl_inferenceimage import installation, manifest
    from kubectl_inferenceimage.render import render

    image = manifest.read(chosen.filename, chosen.namespace)
    print(render(image, installation.read(chosen.values, chosen.config)), end="")


def _build_flags(parser: argparse.ArgumentParser) -> None:
    manifest_flags(parser)
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
    login_flags(parser)
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


COMMANDS = {
    "create": Command("write a manifest; asks on a terminal for what is missing", _create_flags, _create),
    "render": Command("print the Jobs that would run; needs no cluster", manifest_flags, _render),
    "build": Command("build the image on this machine with docker or podman", _build_flags, _build),
}
