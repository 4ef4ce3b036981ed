"""Finds an image with the same content hash in the registry."""

from inference_image_build.hashes import hex_of
from inference_image_build.publication.untag import EMPTY_IMAGE
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract.results import Built


def content_tag(content_hash: str) -> str:
    """The content tag, under which an image is pushed before it is tested."""
    return f"content-{hex_of(content_hash)}"


def image(registry: Registry, repository: ImageReference, content_hash: str) -> Built | None:
    """The image with this content hash; None when the registry does not serve it."""
    manifest = registry.manifest(repository, content_tag(content_hash))
    if manifest is None or manifest.digest == EMPTY_IMAGE.digest:
        return None
    return Built(digest=manifest.digest, size=registry.size(repository, manifest))
