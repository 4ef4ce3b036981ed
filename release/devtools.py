"""Everything that the release uses from the development cluster, in one place."""

from pathlib import Path

from devcluster import binaries
from devcluster.images import context
from devcluster.images.catalog import ALL, EXTRA
from devcluster.images.image_build import Image
from devcluster.lib.progress import say, step
from devcluster.lib.run import CommandError, run

IMAGES = (*ALL, *EXTRA)

__all__ = ["IMAGES", "CommandError", "Image", "context", "executor", "helm", "run", "say", "step"]


def helm() -> Path:
    """The path of helm, built from its Go module unless it is cached."""
    return binaries.ensure(binaries.HELM)["helm"]


def executor() -> dict[str, Path]:
    """The Kaniko executor by its path in the build context, built from its Go module unless it is cached."""
    return binaries.ensure(binaries.KANIKO)
