"""Retention: removes content tags by `retention_rules`, so that they never fill a repository."""

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
"""A reproducible image says that it was made at a fixed time, which tells nothing about its age."""
_STEP = "uai.ucloud.cn/checkpoint-step"
SECONDS = 300.0
"""For one publishing; the next goes on."""
_MAX_WHY = 300


def most_own_tags(limit: RegistryLimit) -> int:
    """How many content tags a repository may have at most, 0 for any number: they leave half of it to its users."""
    return (limit.warn_tags or limit.tags) // 2


def apply(
    asked: Retention | None,
    registry: Registry,
    repository: ImageReference,
    published: str,
    *,
    most: int = 0,
    seconds: float = SECONDS,
) -> tuple[int, str]:
    """How many content tags were removed, and why not more, empty when all were that should be.

    `most` is the number of content tags that the repository may have. Never raises: the tags have moved, and what stays
    costs room only.
    """
    if asked is None:
        return 0, ""
    try:
        until = time.monotonic() + seconds
        found = _images(asked, registry, repository, published, most)
        going = plan(found, keep=asked.keep, most=most, delete_images=asked.delete_images, now=datetime.now(UTC))
        return _remove(registry, repository, going, until)
    except StageError as error:
        return 0, f"Old images were left alone: {error.message}"[:_MAX_WHY]
    except ValueError as error:  # not JSON where JSON belongs
        return 0, f"Old images were left alone: the registry violates its protocol ({error})."[:_MAX_WHY]


def _images(asked: Retention, registry: Registry, repository: ImageReference, published: str, most: int) -> list[Image]:
    """The images that have content tags; none where there are few enough in any case."""
    tags = registry.tags(repository)
    own = {tag for tag in tags if OWN_TAG.fullmatch(tag)}
    if len(own) <= asked.keep and (not most or len(own) <= most):
        return []
    # Deleting a manifest takes all its tags with it, so every tag has to be looked at.
    by_digest: dict[str, list[str]] = defaultdict(list)
    manifests: dict[str, Manifest] = {}
    for tag in tags:
        if manifest := registry.manifest(repository, tag):
            by_digest[manifest.digest].append(tag)
            manifests[manifest.digest] = manifest
    if untag.NOTHING.digest in by_digest:  # a pod that was killed left it there
        registry.delete(repository, untag.NOTHING.digest)
        own -= set(by_digest.pop(untag.NOTHING.digest))
    crowded = 0 < most < len(own)
    return [
        _aged(image, registry, repository, manifests[image.digest])
        if image.use is Use.NOBODY or (crowded and image.use is not Use.CURRENT)
        else image
        for image in _used(by_digest, own, asked, published)
    ]


def _used(by_digest: dict[str, list[str]], own: set[str], asked: Retention, published: str) -> Iterator[Image]:
    for digest, tags in by_digest.items():
        contents = tuple(tag for tag in tags if tag in own)
        if not contents:
            continue
        names = {_prefix(digest), *(_prefix(tag) for tag in contents)}
        if digest == published or names.intersection(asked.current):
            use = Use.CURRENT
        elif len(contents) < len(tags):
            use = Use.TAGGED
        else:
            use = Use.HISTORY if names.intersection(asked.history) else Use.NOBODY
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
            return removed, f"The registry deletes no images: {refused}"[:_MAX_WHY]
        removed += len(image.tags)
    untagged, refused = untag.untag(registry, repository, going.tags, until)
    return removed + untagged, f"The registry deletes no images: {refused}"[:_MAX_WHY] if refused else ""


def _time(text: object) -> datetime | None:
    """The moment of an RFC 3339 text, None where it tells none."""
    try:
        found = datetime.fromisoformat(re.sub(r"\.\d+", "", str(text)))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found > _EPOCH else None
