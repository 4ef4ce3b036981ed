"""Finds an image with the same content hash in the registry."""

from inference_image_build.publication.untag import EMPTY_IMAGE
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract.results import Built
from inference_image_contract.tags import content_tag


def image(registry: Registry, repository: ImageReference, content_hash: str) -> Built | None:
    """The image with this content hash; None when the registry does not serve it."""
    manifest = registry.manifest(repository, content_tag(content_hash))
    if manifest is None or manifest.digest == EMPTY_IMAGE.digest:
        return None
    return Built(digest=manifest.digest, size=registry.size(repository, manifest))
