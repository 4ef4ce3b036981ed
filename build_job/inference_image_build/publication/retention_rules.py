"""Decides which content tags to remove, and which of their images to delete. Pure.

A content tag keeps an image in the registry, so that equal content is not built twice. Removing it costs at most that:
the image stays under its other tags, and under its digest as long as the registry keeps untagged images.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

YOUNG = timedelta(hours=24)
"""A younger image may still be under test; no Job runs this long."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class Use(IntEnum):
    """Who refers to an image."""

    UNREFERENCED = 0
    TAGGED = 1
    """A tag of a user points to it, so it stays reachable without its content tag."""
    HISTORY = 2
    """A status lists it as published earlier."""
    CURRENT = 3
    """A status lists it as published or being built."""


class Image(NamedTuple):
    """An image that has content tags."""

    digest: str
    tags: tuple[str, ...]
    """Its content tags."""
    use: Use
    created: datetime | None = None
    """None when unknown, as for every reproducible image."""
    step: int = -1
    """Step of the checkpoint; -1 when unknown."""

    def is_young(self, now: datetime) -> bool:
        """Whether it may still be under test."""
        return self.created is not None and self.created > now - YOUNG

    @property
    def age(self) -> tuple[datetime, int, str]:
        """Sort key, the oldest first; images of unknown age come before all others."""
        return self.created or _NEVER, self.step, self.digest


class Plan(NamedTuple):
    """What to remove."""

    images: tuple[Image, ...]
    """Images to delete, with all their tags."""
    tags: tuple[str, ...]
    """Tags to remove; their images stay."""


def plan(images: Iterable[Image], *, keep: int, most: int, delete_images: bool, now: datetime) -> Plan:
    """What to remove so that `keep` unreferenced images and at most `most` content tags (0 for no limit) remain.

    If `most` requires more, content tags are removed in this order: of images that have another tag, of unreferenced
    images that `keep` would keep, of images in the history of a status, of young images. The tags of current images are
    never removed. An image is deleted with its tag only if `delete_images` is set, the image is unreferenced, and it is
    known not to be young.
    """
    found = sorted(images, key=lambda image: image.age)
    unreferenced = [image for image in found if image.use is Use.UNREFERENCED]
    old_enough = [image for image in unreferenced if not image.is_young(now)]
    going = old_enough[: max(0, len(unreferenced) - keep)]
    if most:
        rest = [image for image in found if image.use is not Use.CURRENT and image not in going]
        rest.sort(key=lambda image: _order(image, now))
        excess = sum(len(image.tags) for image in found) - sum(len(image.tags) for image in going) - most
        for image in rest:
            if excess <= 0:
                break
            going.append(image)
            excess -= len(image.tags)
    whole = {image.digest for image in old_enough if image.created is not None} if delete_images else set()
    return Plan(
        tuple(image for image in going if image.digest in whole),
        tuple(tag for image in going if image.digest not in whole for tag in image.tags),
    )


def _order(image: Image, now: datetime) -> int:
    """The order of removal when `most` requires it; within one number, the oldest image comes first."""
    if image.use is Use.TAGGED:
        return 0
    if image.use is Use.HISTORY:
        return 2
    return 3 if image.is_young(now) else 1
