"""Which object published each tag last. An object whose tag another one has moved is woken and told.

The registry has one digest per tag, and the last publication wins. No request to a registry is needed to see that:
every publication stands in the status of its object.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from inference_image_operator.observed import LostTag, Observed
from inference_image_operator.runtime.pipeline_limiter import Key


class Publication(NamedTuple):
    """What an object published last."""

    digest: str
    time: datetime
    tags: frozenset[str]
    """`repository:tag`."""


def publication(observed: Observed) -> Publication | None:
    """What the object's status says about its newest image; None before the first one."""
    image, history = observed.status.image, observed.status.history
    if image is None or not history or history[0].digest != image.digest or history[0].time is None:
        return None
    repository = image.reference.partition("@")[0]
    return Publication(image.digest, history[0].time, frozenset(f"{repository}:{tag}" for tag in image.tags))


class Holder(NamedTuple):
    """Who published a tag last."""

    key: Key
    digest: str
    time: datetime


class TagHolders:
    """The newest publication of each tag, over all objects that this operator serves."""

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self._published: dict[Key, Publication] = {}
        self._holders: dict[str, Holder] = {}

    def saw(self, key: Key, found: Publication | None) -> None:
        """Takes in an object's newest publication; None without one. Wakes whoever lost a tag by it."""
        before = self._published.get(key)
        if found == before:
            return
        self._release(key, before.tags - (found.tags if found else frozenset()) if before else frozenset())
        if found is None:
            self._published.pop(key)
            return
        self._published[key] = found
        for tag in found.tags:
            holder = self._holders.get(tag)
            if holder is None or holder.key == key or holder.time < found.time:
                self._holders[tag] = Holder(key, found.digest, found.time)
            if holder is not None and holder.key != key:
                self._wake(holder.key if holder.time < found.time else key)

    def lost(self, key: Key) -> tuple[LostTag, ...]:
        """The tags of an object's newest image that another object has moved to another digest since."""
        found = self._published.get(key)
        if found is None:
            return ()
        holders = ((tag, self._holders[tag]) for tag in sorted(found.tags) if tag in self._holders)
        return tuple(
            LostTag(tag=tag, digest=holder.digest, holder="/".join(holder.key))
            for tag, holder in holders
            if holder.time > found.time and holder.digest != found.digest
        )

    def _release(self, key: Key, tags: frozenset[str]) -> None:
        for tag in tags:
            if tag in self._holders and self._holders[tag].key == key:
                del self._holders[tag]
