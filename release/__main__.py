"""The command line: `python -m release images|files|kustomize|notes`; make/release.mk has the make targets."""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from release import (
    artifacthub,
    catalog,
    images,
    krew,
    kustomize,
    labels,
    manifest,
    notes,
    package,
    sbom,
    source,
    sums,
    versions,
)
from release.devtools import CommandError, say
from release.errors import ReleaseError

OUT = source.REPOSITORY / "out"


def options(arguments: argparse.Namespace, folder: Path, registry: str) -> images.Options:
    """How the images are built from the files in a folder."""
    return images.Options(
        source=folder,
        registry=registry,
        version=source.version(folder),
        epoch=source.epoch(),
        tool=images.find_tool(arguments.tool),
        base_image=arguments.base_image,
        build_flags=shlex.split(arguments.build_flags),
        push_flags=shlex.split(arguments.push_flags),
        revision=source.revision(),
        address=labels.check_source(arguments.source_url),
    )


def make_images(arguments: argparse.Namespace) -> None:
    """Builds the images from the working tree and writes values.yaml."""
    registry = catalog.check_registry(arguments.registry)
    wanted = catalog.chosen(arguments.only.split())
    chosen = options(arguments, source.REPOSITORY, registry)
    references = images.build(chosen, wanted)
    if arguments.push:
        references = images.push(chosen, references)
    target = arguments.out or OUT / "images"
    target.mkdir(parents=True, exist_ok=True)
    (target / "values.yaml").write_text(catalog.values_text(references))
    say(f"Built with {chosen.tool}: {', '.join(references)}. The chart's values are in {target / 'values.yaml'}")


def require_replaceable(target: Path) -> None:
    """Raises ReleaseError when the folder holds anything but an earlier release."""
    if target.exists() and any(target.iterdir()) and not (target / sums.NAME).exists():
        raise ReleaseError(
            f"{target} does not hold an earlier release, so it is not overwritten. Name another folder, or empty it."
        )


def make_files(arguments: argparse.Namespace) -> None:
    """Makes every file of the release from the commit, in a new folder."""
    registry = catalog.check_registry(arguments.registry or manifest.PLACEHOLDER)
    source.require_clean()
    epoch, target = source.epoch(), arguments.out or OUT / "release"
    require_replaceable(target)
    with source.exported() as folder, tempfile.TemporaryDirectory(prefix="release-") as scratch:
        version = source.version(folder)
        versions.check_tag(arguments.tag, version)
        made = Path(scratch, "made")
        made.mkdir()
        package.python_packages(folder, made, epoch)
        sbom.write(folder, made, version, epoch)
        references = {name: catalog.tagged(registry, name, version) for name in catalog.REPOSITORIES}
        if arguments.images:
            catalog.require_pinned(arguments.base_image)
            chosen = options(arguments, folder, registry)
            built = images.build(chosen, catalog.chosen(arguments.only.split()))
            references |= images.archive(chosen, built, made)
        values = made / "images-values.yaml"
        values.write_text(arguments.values.read_text() if arguments.values else catalog.values_text(references))
        if arguments.values:
            references = catalog.references(values.read_text())
        (made / "images.txt").write_text(catalog.list_text(references))
        address = labels.check_source(arguments.source_url)
        krew.write(folder, made, version, epoch, address)
        described = artifacthub.of_release(folder, references, version, address)
        chart = package.chart(folder, made, version, epoch, described)
        package.install_manifest(chart, values, made, version, registry)
        (made / sums.NAME).write_text(sums.lines(made))
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(made, target)
    say(f"{len(list(target.iterdir()))} files of version {version} are in {target}")


def make_kustomize(arguments: argparse.Namespace) -> None:
    """Writes the chart's objects for Kustomize."""
    chart = source.REPOSITORY / "deploy" / "helm"
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        defaults = Path(scratch, "values.yaml")
        defaults.write_text(yaml.safe_dump(kustomize.defaults(source.version())))
        target = arguments.out or source.REPOSITORY / "deploy" / "kustomize"
        written = kustomize.write(chart, [defaults, *arguments.values], target)
    say(f"{len(written)} files are in {target}")


def show_notes(arguments: argparse.Namespace) -> None:
    """Prints the section of CHANGELOG.md that belongs to the version."""
    del arguments
    print(notes.section((source.REPOSITORY / "CHANGELOG.md").read_text(), source.version()), end="")


def parser() -> argparse.ArgumentParser:
    """The flags. An empty value means the default, because make passes unset variables as empty values."""
    root = argparse.ArgumentParser(prog="python -m release")
    commands = root.add_subparsers(required=True)
    building = argparse.ArgumentParser(add_help=False)
    building.add_argument("--registry", default="", help="host/path of the images")
    building.add_argument("--tool", default="", help="buildah, podman or docker; the first of them that is installed")
    building.add_argument("--base-image", default="", help="replaces the default BASE_IMAGE of the Dockerfiles")
    building.add_argument("--source-url", default="", help="web address of the repository, for labels and links")
    building.add_argument("--only", default="", help="names of images, separated by spaces (default: all)")
    building.add_argument("--build-flags", default="", help="extra flags for the tool's build")
    building.add_argument("--push-flags", default="", help="extra flags for the tool's push")
    building.add_argument("--out", type=Path, help="output folder")
    of_images = commands.add_parser("images", parents=[building], help="build all images")
    of_images.add_argument("--push", action="store_true", help="push the images, and reference them by digest")
    of_images.set_defaults(do=make_images)
    of_files = commands.add_parser("files", parents=[building], help="make the files of a release")
    of_files.add_argument("--images", action="store_true", help="also build the images, as OCI archives")
    of_files.add_argument("--values", type=Path, help="Helm values for install.yaml, as `images --push` writes them")
    of_files.add_argument("--tag", default="", help="the Git tag, which must name the version")
    of_files.set_defaults(do=make_files)
    of_kustomize = commands.add_parser("kustomize", help="write the chart's objects for Kustomize")
    of_kustomize.add_argument("--values", type=Path, action="append", default=[], help="Helm values; may be repeated")
    of_kustomize.add_argument("--out", type=Path, help="output folder (default: deploy/kustomize)")
    of_kustomize.set_defaults(do=make_kustomize)
    commands.add_parser("notes", help="print the notes of this version").set_defaults(do=show_notes)
    return root


def main() -> int:
    """Returns the exit code: 1 after printing an error message."""
    os.umask(0o022)  # file modes must not depend on the caller's umask
    arguments = parser().parse_args()
    try:
        arguments.do(arguments)
    except (ReleaseError, CommandError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
