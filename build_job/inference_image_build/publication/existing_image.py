"""Finds the image of a content hash in the registry, if this object's own build pushed it."""

from collections.abc import Mapping

from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract.results import Built
from inference_image_contract.tags import content_tag


def image(registry: Registry, repository: ImageReference, content_hash: str, made: Mapping[str, str]) -> Built | None:
    """The image with this content hash; None when the registry does not serve it under its content tag.

    Whoever may push can push anything under that tag, so its digest must be the one in `made` (content hash -> digest).
    """
    digest = made.get(content_hash)
    manifest = registry.manifest(repository, content_tag(content_hash)) if digest else None
    if manifest is None or manifest.digest != digest:
        return None
    return Built(digest=manifest.digest, size=registry.size(repository, manifest))
