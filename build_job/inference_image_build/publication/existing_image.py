"""Finds the image of a content hash in the registry, if this object's own build pushed it."""

from collections.abc import Mapping

from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract.results import Built


def image(registry: Registry, repository: ImageReference, content_hash: str, made: Mapping[str, str]) -> Built | None:
    """The image with this content hash; None when none is known, or the registry no longer has it.

    `made` (content hash -> digest) comes from this object's builds. The content tag is not asked: whoever may push can
    move it, and another object with equal content does.
    """
    digest = made.get(content_hash)
    manifest = registry.manifest(repository, digest) if digest else None
    return Built(digest=manifest.digest, size=registry.size(repository, manifest)) if manifest else None
