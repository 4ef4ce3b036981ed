"""Removes content tags by `retention_rules`, so that they do not fill a repository."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from inference_image_build.publication import untag
from inference_image_build.publication.retention_rules import Image, Plan, Use, plan
from inference_image_build.registry.client import Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import DIGEST_PREFIX, RegistryLimit, Retention

OWN_TAG = re.compile(r"content-[0-9a-f]{64}")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""A reproducible image has a fixed creation time, which says nothing about its age."""
_STEP = "uai.ucloud.cn/checkpoint-step"
SECONDS = 300.0
"""Time limit of one publish step; the next one continues."""
_MAX_WHY = 300


def most_own_tags(limit: RegistryLimit) -> int:
    """Most content tags in a repository, 0 for no limit. They use half of its tags and leave the rest to its users."""
    return (limit.warn_tags or limit.tags) // 2


def apply(
    policy: Retention | None,
    registry: Registry,
    repository: ImageReference,
    published: str,
    *,
    most: int = 0,
    seconds: float = SECONDS,
) -> tuple[int, str]:
    """How many content tags were removed, and why not more; empty when all were removed that should be.

    `most` limits the content tags of the repository. Never raises: the tags have moved already, and a leftover tag only
    takes room.
    """
    if policy is None:
        return 0, ""
    try:
        until = time.monotonic() + seconds
        found = _images(policy, registry, repository, published, most)
        going = plan(found, keep=policy.keep, most=most, delete_images=policy.delete_images, now=datetime.now(UTC))
        return _remove(registry, repository, going, until)
    except StageError as error:
        return 0, f"Old images were kept: {error.message}"[:_MAX_WHY]
    except ValueError as error:  # not JSON where JSON is expected
        return 0, f"Old images were kept: the registry violates the registry protocol ({error})."[:_MAX_WHY]


def _images(
    policy: Retention, registry: Registry, repository: ImageReference, published: str, most: int
) -> list[Image]:
    """The images that have content tags; empty when there are few enough anyway."""
    tags = registry.tags(repository)
    own = {tag for tag in tags if OWN_TAG.fullmatch(tag)}
    if len(own) <= policy.keep and (not most or len(own) <= most):
        return []
    # Deleting a manifest deletes all its tags, so every tag has to be read.
    by_digest: dict[str, list[str]] = defaultdict(list)
    manifests: dict[str, Manifest] = {}
    for tag in tags:
        if manifest := registry.manifest(repository, tag):
            by_digest[manifest.digest].append(tag)
            manifests[manifest.digest] = manifest
    if untag.EMPTY_IMAGE.digest in by_digest:  # left by a pod that was killed
        registry.delete(repository, untag.EMPTY_IMAGE.digest)
        own -= set(by_digest.pop(untag.EMPTY_IMAGE.digest))
    crowded = 0 < most < len(own)
    return [
        _aged(image, registry, repository, manifests[image.digest])
        if image.use is Use.UNREFERENCED or (crowded and image.use is not Use.CURRENT)
        else image
        for image in _used(by_digest, own, policy, published)
    ]


def _used(by_digest: dict[str, list[str]], own: set[str], policy: Retention, published: str) -> Iterator[Image]:
    for digest, tags in by_digest.items():
        contents = tuple(tag for tag in tags if tag in own)
        if not contents:
            continue
        names = {_prefix(digest), *(_prefix(tag) for tag in contents)}
        if digest == published or names.intersection(policy.current):
            use = Use.CURRENT
        elif len(contents) < len(tags):
            use = Use.TAGGED
        else:
            use = Use.HISTORY if names.intersection(policy.history) else Use.UNREFERENCED
        yield Image(digest, contents, use)


def _prefix(name: str) -> str:
    """The first hex digits of `sha256:<hex>` or of `content-<hex>`."""
    return name.replace("-", ":").partition(":")[2][:DIGEST_PREFIX]


def _aged(image: Image, registry: Registry, repository: ImageReference, manifest: Manifest) -> Image:
    config = registry.config(repository, manifest)
    settings = config.get("config")
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    step = str(labels.get(_STEP, "")) if isinstance(labels, dict) else ""
    return image._replace(created=_time(config.get("created")), step=int(step) if step.isdecimal() else -1)


def _remove(registry: Registry, repository: ImageReference, going: Plan, until: float) -> tuple[int, str]:
    removed = 0
    for image in going.images:
        if time.monotonic() >= until:
            return removed, ""
        if refused := registry.delete(repository, image.digest):
            return removed, f"The registry does not delete images: {refused}"[:_MAX_WHY]
        removed += len(image.tags)
    untagged, refused = untag.untag(registry, repository, going.tags, until)
    return removed + untagged, f"The registry does not delete images: {refused}"[:_MAX_WHY] if refused else ""


def _time(text: object) -> datetime | None:
    """The time of an RFC 3339 string; None when it is invalid or fixed for reproducibility."""
    try:
        found = datetime.fromisoformat(re.sub(r"\.\d+", "", str(text)))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found > _EPOCH else None
