"""Retention: deletes this project's own content tags that nobody refers to, oldest first, and never more than that."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from inference_image_build.references import ImageReference
from inference_image_build.registry import Registry
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Retention

OWN_TAG = re.compile(r"content-[0-9a-f]{64}")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""A reproducible image says that it was made at a fixed time, which tells nothing about its age."""
_YOUNG = timedelta(hours=24)
"""An image of this age may be on its way through a test; no Job runs as long as this."""
_MAX_DELETED = 50
"""In one publishing; the next goes on."""
_MAX_WHY = 300


class _Image(NamedTuple):
    digest: str
    created: datetime


def apply(wish: Retention | None, registry: Registry, repository: ImageReference, published: str) -> tuple[int, str]:
    """How many images were deleted, and why not more, empty when all were that should be.

    An image is deleted only if every tag that points to it is a content tag, no status refers to it, it tells its
    age and is older than a day, and at least `wish.keep` newer ones remain. Never raises: the tags have moved, and what
    stays costs room only.
    """
    if wish is None:
        return 0, ""
    try:
        return _delete(registry, repository, _superfluous(wish, registry, repository, published))
    except StageError as error:
        return 0, f"Old images were left alone: {error.message}"[:_MAX_WHY]
    except ValueError as error:  # not JSON where JSON belongs
        return 0, f"Old images were left alone: the registry answers against its protocol ({error})."[:_MAX_WHY]


def _superfluous(wish: Retention, registry: Registry, repository: ImageReference, published: str) -> list[_Image]:
    tags = registry.tags(repository)
    own = {tag for tag in tags if OWN_TAG.fullmatch(tag)}
    if len(own) <= wish.keep:
        return []
    # Deleting a manifest takes all its tags with it, so every tag has to be looked at.
    digests = {tag: manifest for tag in tags if (manifest := registry.manifest(repository, tag))}
    used = {published, *wish.in_use, *(manifest.digest for tag, manifest in digests.items() if tag not in own)}
    free = {digests[tag].digest: digests[tag] for tag in own & digests.keys() if digests[tag].digest not in used}
    images = [_Image(digest, _time(registry.created(repository, found))) for digest, found in free.items()]
    dated = sorted((image for image in images if image.created > _EPOCH), key=lambda image: image.created)
    old = [image for image in dated if image.created < datetime.now(UTC) - _YOUNG]
    return old[: max(0, len(images) - wish.keep)]


def _delete(registry: Registry, repository: ImageReference, images: list[_Image]) -> tuple[int, str]:
    for number, image in enumerate(images[:_MAX_DELETED]):
        if refused := registry.delete(repository, image.digest):
            return number, f"The registry deletes no images: {refused}"[:_MAX_WHY]
    return min(len(images), _MAX_DELETED), ""


def _time(text: str) -> datetime:
    """The moment of an RFC 3339 text, the start of time for one that is none."""
    try:
        found = datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
