"""Builds this project's images from their Dockerfiles with buildah, keeps them by their inputs, and pushes them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster import (
    base_image,
    binaries,
    buildah,
    cached,
    context,
    credentials,
    inside,
    oci,
    pip_settings,
    settings,
    supervisor,
)
from devcluster.progress import say, step
from devcluster.run import CommandError, NotReadyError

BUILDER_VERSION = "1"
"""Raised when the way of building changes what is built."""


@dataclass(frozen=True)
class Image:
    """An image and its Dockerfile, relative to the repository."""

    name: str
    dockerfile: str
    expect: str
    """How long a build takes on two cores when nothing is cached."""
    target: str = ""
    """The stage of the Dockerfile, the last one when empty."""
    arguments: tuple[str, ...] = ()
    """`NAME=value` for ARG instructions, beside BASE_IMAGE."""


ALL = (
    Image("kaniko", "devcluster/images/kaniko.Dockerfile", "about 5 s"),
    Image("operator", "operator/Dockerfile", "about 15 s"),
    Image("build", "build_job/Dockerfile", "about 15 s"),
    Image("export", "export_job/Dockerfile", "about 2 min"),
    Image("inference-base", "examples/object-detect/base.Dockerfile", "about 2 min"),
)
EXTRA = (
    Image("export-onnx", "export_job/Dockerfile", "about 2 min", "export-onnx"),
    Image("inference-base-onnx", "examples/object-detect/base.Dockerfile", "about 1 min", arguments=("RUNTIME=onnx",)),
)
"""What the demo does without: `python -m devcluster images export-onnx`."""
INDEX = settings.STATE / "images.json"


def build_all(images: Iterable[Image] = ALL) -> dict[str, Path]:
    """The OCI layout of every image by name, `base` among them."""
    base = base_image.ensure()
    return {"base": base, **{image.name: build(image, base) for image in images}}


def build(image: Image, base: Path) -> Path:
    """The OCI layout of an image, built when no equal one is cached."""
    dockerfile = settings.REPOSITORY / image.dockerfile
    extra = {"executor": binaries.ensure(binaries.KANIKO)["executor"]} if image.name == "kaniko" else {}
    files = context.gather(settings.REPOSITORY, dockerfile, extra)
    key = context.key(
        dockerfile,
        files,
        oci.digest(base),
        str(buildah.COMPRESSION_LEVEL),
        BUILDER_VERSION,
        *([image.target] if image.target else []),
        *image.arguments,
    )
    target = settings.cache() / "images" / f"{image.name}-{key}"
    if not target.is_dir():
        with step(f"Building image {image.name}", image.expect):
            _build(image, files, base, target)
    return target


def _build(image: Image, files: dict[str, Path], base: Path, target: Path) -> None:
    with cached.fill(target) as scratch:
        staged = scratch / "context"
        staged.mkdir()
        context.stage(files, staged)
        pip_settings.write(scratch / "pip.conf")
        local = f"localhost/{target.name}"
        buildah.run_buildah(
            *("build", "--isolation=chroot", "--layers", "--timestamp=0", "--format=oci", "--pull-never"),
            *("--volume", f"{pip_settings.CERTIFICATES}:{pip_settings.CERTIFICATES}:ro"),
            *("--volume", f"{scratch / 'pip.conf'}:/etc/pip.conf:ro"),
            *("--build-arg", f"BASE_IMAGE={buildah.load(base)}", f"--tag={local}"),
            f"--file={settings.REPOSITORY / image.dockerfile}",
            *([f"--target={image.target}"] if image.target else []),
            *(f"--build-arg={argument}" for argument in image.arguments),
            str(staged),
        )
        buildah.export(local, scratch / "result")


def push_all(layouts: dict[str, Path]) -> dict[str, str]:
    """Pushes what the registry does not hold, tagged `latest`, and records every reference by digest."""
    references = {}
    for name, layout in layouts.items():
        target = settings.BASE_IMAGE if name == "base" else f"{settings.IMAGE_PREFIX}/{name}:latest"
        repository, _, tag = target.rpartition(":")
        references[name] = f"{repository}@{push(layout, repository, tag)}"
    known = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    INDEX.write_text(json.dumps(known | references, indent=2) + "\n")
    return references


def push(layout: Path, repository: str, tag: str) -> str:
    """Makes `repository:tag` the image of a layout and returns its digest."""
    digest = oci.digest(layout)
    if _served(f"{repository}:{tag}") == digest:
        return digest
    with step(f"Pushing {repository}:{tag}"):
        inside.run_inside(
            [
                *("skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--preserve-digests"),
                *(f"--dest-authfile={credentials.docker_config()}", f"--dest-cert-dir={credentials.trust_directory()}"),
                *(f"oci:{layout}", f"docker://{repository}:{tag}"),
            ]
        )
    return digest


def _served(reference: str) -> str:
    """The digest that the registry serves for a tag, empty when it knows none."""
    try:
        manifest = inside.run_inside(
            [
                *("skopeo", f"--policy={buildah.POLICY}", "inspect", "--raw"),
                *(f"--authfile={credentials.docker_config()}", f"--cert-dir={credentials.trust_directory()}"),
                f"docker://{reference}",
            ]
        )
    except CommandError:
        return ""
    return "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()


def publish(names: Sequence[str]) -> None:
    """Builds and pushes these images, all without names, and says where they are."""
    unknown = set(names) - {image.name for image in (*ALL, *EXTRA)}
    if unknown:
        raise ValueError(
            f"There is no image {', '.join(sorted(unknown))}; there are: {', '.join(i.name for i in (*ALL, *EXTRA))}."
        )
    if supervisor.process() is None:
        raise NotReadyError("The registry is not running: start the cluster with `make cluster-up`.")
    chosen = [image for image in (*ALL, *EXTRA) if image.name in names] if names else ALL
    for name, reference in push_all(build_all(chosen)).items():
        say(f"{name:16}{reference}")
