"""Which content tags go, and which of their images. Pure.

A content tag exists to find the image of a content again, so that it is not built twice. Taking it away costs that
alone: the image stays, under its digest and its other tags.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

YOUNG = timedelta(hours=24)
"""An image of this age may be on its way through a test; no Job runs as long as this."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class Use(IntEnum):
    """Who refers to an image, in the order in which content tags go where there must be fewer."""

    NOBODY = 0
    TAGGED = 1
    """A tag that is not the operator's points to it: without its content tag it stays what it is."""
    HISTORY = 2
    """A status names it as published before."""
    CURRENT = 3
    """A status names it as what is published or being made."""


class Image(NamedTuple):
    """An image that has content tags."""

    digest: str
    tags: tuple[str, ...]
    """Its content tags."""
    use: Use
    created: datetime | None = None
    """None where it does not tell; made reproducibly it never does."""
    step: int = -1
    """Of the checkpoint."""

    def is_young(self, now: datetime) -> bool:
        """Whether it may be on its way through a test."""
        return self.created is not None and self.created > now - YOUNG

    @property
    def age(self) -> tuple[datetime, int, str]:
        """Sorts the oldest first; who does not tell comes before all that do."""
        return self.created or _NEVER, self.step, self.digest


class Plan(NamedTuple):
    """What is to be removed."""

    images: tuple[Image, ...]
    """With all their tags."""
    tags: tuple[str, ...]
    """These alone."""


def plan(images: Iterable[Image], *, keep: int, most: int, delete_images: bool, now: datetime) -> Plan:
    """What goes so that `keep` images stay to which nobody refers, and no more than `most` content tags; 0 is no limit.

    Where `most` demands more than that, content tags go of images that have another tag, then of those that nobody
    refers to although they are to be kept, then of those in the history of a status, then of young ones. Of current
    ones none ever goes. An image goes with its tag only if `delete_images` says so, nobody refers to it, and it tells
    that it is not young.
    """
    found = sorted(images, key=lambda image: image.age)
    free = [image for image in found if image.use is Use.NOBODY]
    settled = [image for image in free if not image.is_young(now)]
    going = settled[: max(0, len(free) - keep)]
    if most:
        rest = [image for image in found if image.use is not Use.CURRENT and image not in going]
        rest.sort(key=lambda image: _order(image, now))
        excess = sum(len(image.tags) for image in found) - sum(len(image.tags) for image in going) - most
        for image in rest:
            if excess <= 0:
                break
            going.append(image)
            excess -= len(image.tags)
    whole = {image.digest for image in settled if image.created is not None} if delete_images else set()
    return Plan(
        tuple(image for image in going if image.digest in whole),
        tuple(tag for image in going if image.digest not in whole for tag in image.tags),
    )


def _order(image: Image, now: datetime) -> int:
    """Who goes first where there must be fewer; the oldest first within one number."""
    if image.use is Use.TAGGED:
        return 0
    if image.use is Use.HISTORY:
        return 2
    return 3 if image.is_young(now) else 1
