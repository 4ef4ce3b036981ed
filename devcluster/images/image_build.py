"""Builds an image from a Dockerfile of this repository with buildah, and caches it by its inputs."""

from dataclasses import dataclass
from pathlib import Path

from devcluster import binaries, settings
from devcluster.images import base_image, buildah, context, oci, pip_settings
from devcluster.lib import cached
from devcluster.lib.progress import step

BUILDER_VERSION = "1"
"""Increment it when a change of this module changes the images."""


@dataclass(frozen=True)
class Image:
    """An image and its Dockerfile, relative to the repository."""

    name: str
    dockerfile: str
    expect: str
    """How long a build takes on two cores when nothing is cached."""
    target: str = ""
    """The target stage of the Dockerfile; empty for the last one."""
    arguments: tuple[str, ...] = ()
    """`NAME=value` for ARG instructions other than BASE_IMAGE."""
    base: base_image.Base = base_image.PYTHON
    """The value of BASE_IMAGE."""
    pushed_as: str = ""
    """Repository and tag in the registry; empty for the default below IMAGE_PREFIX."""

    @property
    def reference(self) -> str:
        """The reference to push to."""
        return self.pushed_as or f"{settings.IMAGE_PREFIX}/{self.name}:latest"


def build(image: Image) -> Path:
    """The OCI layout of an image; builds it unless an equal one is cached."""
    base = base_image.ensure(image.base)
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
    if not cached.is_filled(target):
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
