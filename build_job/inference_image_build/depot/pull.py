"""Pull: puts the base images of a pinned Dockerfile into the depot."""

import sys
from collections.abc import Iterator
from pathlib import Path

from inference_image_build.depot.store import Depot
from inference_image_build.dockerfile import parse
from inference_image_build.registry import manifests, references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import PullInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Pulled

_ATTEMPTS = 4


def pull(request: PullInput, registry: Registry, pinned_dockerfile: Path, depot: Depot) -> Pulled:
    """Downloads every image that the Dockerfile pulls, for linux/amd64, and checks each blob's digest.

    Raises StageError: `BaseImageNotFound`, `DockerfileInvalid`, those of the registry.
    """
    data = pinned_dockerfile.read_bytes()
    uses = parse.images(parse.read(data, request.dockerfile), request.build_args, request.dockerfile)
    sources, size = list[str](), 0
    for image in dict.fromkeys(references.parse(use.image) for use in uses):
        source, blobs = _manifests(image, registry, depot)
        sources.append(source.repository)
        size += sum(_blob(source, blob, registry, depot) for blob in blobs)
    depot.set_sources(dict.fromkeys(sources))
    return Pulled(images=len(sources), size=size)


def _manifests(image: ImageReference, registry: Registry, depot: Depot) -> tuple[ImageReference, Iterator[Descriptor]]:
    """Stores the manifest that the Dockerfile names and, of an index, the one for linux/amd64.

    Returns the repository that serves the image, and what the image consists of.
    """
    found = registry.located(image)
    child = registry.platform(*found) if found else None
    if found is None or child is None:
        raise StageError(
            Reason.BASE_IMAGE_NOT_FOUND,
            f"The registry {image.host} does not have the base image {image} for linux/amd64 any more.",
            f"Push it again, or name another image in the Dockerfile, {REQUEST_AGAIN}",
        )
    source, manifest = found
    for one in (manifest, child):
        depot.add_manifest(one)
    return source, manifests.descriptors(manifests.document(source, child))


def _blob(source: ImageReference, blob: Descriptor, registry: Registry, depot: Depot) -> int:
    """Downloads a blob, again if the connection breaks; returns its size, or 0 if another image has it, too."""
    if depot.blob(blob.digest):
        return 0
    for left in reversed(range(_ATTEMPTS)):
        try:
            size = depot.add_blob(blob.digest, registry.blob(source, blob))
        except StageError as error:
            if not left or error.reason is not Reason.REGISTRY_UNAVAILABLE:
                raise
        else:
            print(f"pulled {blob.digest} of {source.repository} ({size} bytes)", file=sys.stderr)
            return size
    raise AssertionError("unreachable")
