"""Builds the images with the installed tool, and pushes them or writes them as OCI archives."""

import json
import platform
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from release import archives, catalog, labels, tools
from release.devtools import Image, context, executor, run, step
from release.errors import ReleaseError


@dataclass(frozen=True)
class Options:
    """How the images are built."""

    source: Path
    """The folder of the Dockerfiles and the files that they copy."""
    registry: str
    version: str
    epoch: int
    tool: tools.Tool
    base_image: str = ""
    """The base of every image: a reference, or an OCI layout as `oci:PATH`; empty for the Dockerfiles' own default."""
    build_flags: Sequence[str] = field(default=())
    push_flags: Sequence[str] = field(default=())
    revision: str = ""
    """The commit of the source; empty when it is not known."""
    address: str = ""
    """The web address of the repository; empty when it is not known."""


def find_tool(wanted: str) -> tools.Tool:
    """The tool to build with. Raises ReleaseError when no tool is installed."""
    tools.check_machine(platform.machine())
    return tools.choose(wanted, {tool for tool in tools.Tool if shutil.which(tool)})


def build(options: Options, images: Iterable[Image]) -> dict[str, str]:
    """Builds the images into the tool's storage: name -> reference by tag."""
    base = _base(options)
    return {image.name: _build(options, base, image) for image in images}


def _base(options: Options) -> list[str]:
    """The build argument for the base image; empty for the Dockerfiles' default."""
    transport, _, layout = options.base_image.partition(":")
    if transport != "oci":
        return [f"BASE_IMAGE={options.base_image}"] if options.base_image else []
    # FROM does not accept layouts, and a pull would name the image after its path, which may be an invalid name.
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        packed = Path(scratch, "base.tar")
        archives.write_tar(Path(layout), packed, options.epoch)
        return [f"BASE_IMAGE={run(tools.pull(options.tool, packed)).strip()}"]


def _build(options: Options, base: Sequence[str], image: Image) -> str:
    reference = catalog.tagged(options.registry, image.name, options.version)
    dockerfile = options.source / image.dockerfile
    extra = executor() if image.name == "kaniko" else {}
    with step(f"Building {reference}", image.expect), tempfile.TemporaryDirectory(prefix="release-") as scratch:
        context.stage(context.gather(options.source, dockerfile, extra), Path(scratch))
        wanted = tools.Build(
            dockerfile=dockerfile,
            context=Path(scratch),
            reference=reference,
            epoch=options.epoch,
            target=image.target,
            arguments=(*base, *image.arguments),
            labels=labels.labels(options.version, options.revision, options.address),
            flags=options.build_flags,
        )
        run(tools.build(options.tool, wanted))
    return reference


def push(options: Options, references: Mapping[str, str]) -> dict[str, str]:
    """Pushes what `build` made: name -> reference by the digest in the registry."""
    return {name: _push(options, name, reference) for name, reference in references.items()}


def _push(options: Options, name: str, reference: str) -> str:
    with step(f"Pushing {reference}"), tempfile.TemporaryDirectory(prefix="release-") as scratch:
        noted = Path(scratch, "digest")
        run(tools.push(options.tool, reference, noted, options.push_flags))
        if options.tool is tools.Tool.DOCKER:
            digest = tools.digest_of(reference, run(tools.pushed_digests(reference)))
        else:
            digest = tools.check_digest(noted.read_text())
    return catalog.by_digest(options.registry, name, digest)


def archive(options: Options, references: Mapping[str, str], target: Path) -> dict[str, str]:
    """Writes what `build` made as OCI archives into a folder: name -> reference by digest."""
    return {name: _archive(options, name, reference, target) for name, reference in references.items()}


def _archive(options: Options, name: str, reference: str, target: Path) -> str:
    file = target / f"{catalog.REPOSITORIES[name]}-{options.version}.oci.tar"
    with step(f"Writing {file.name}"), tempfile.TemporaryDirectory(prefix="release-") as scratch:
        layout = Path(scratch, "layout")
        run(tools.layout(options.tool, reference, layout, options.version))
        archives.write_tar(layout, file, options.epoch)
        return catalog.by_digest(options.registry, name, _digest(layout))


def _digest(layout: Path) -> str:
    """The digest of the one image of an OCI layout (image-spec 1.0, image-layout.md)."""
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    if len(manifests) != 1:
        raise ReleaseError(f"The builder wrote {len(manifests)} images where one was expected.")
    return tools.check_digest(manifests[0]["digest"])
