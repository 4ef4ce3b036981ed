"""Publish: points the user's tags at the tested digest, in every repository, and reads each of them back."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.publication import repositories, retention
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PublishInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MovedTag, Published, fits


class _Tag(NamedTuple):
    """A tag that is to point at the digest, and what it points at now, empty when it is new."""

    repository: ImageReference
    name: str
    before: str


def publish(stage: PublishInput, registry: Registry) -> Published:
    """Moves every tag; one that points there already is not written. `previous` is then the digest itself.

    First everything is looked at that could forbid it, then the image is copied to the other repositories, then tags
    move, those of `spec.image.repository` last: whoever follows them finds the others done. At the end old content
    tags go, as `retention` says.
    Raises StageError: `PublishFailed`, `TagExists`, `TagImmutable`, `DigestInvalid`, and those of the registry.
    """
    repository, *others = repositories.repositories(stage.registry)
    if not references.DIGEST.fullmatch(stage.digest):
        raise _invalid(f"{stage.digest[:100]!r} is not a sha256 digest.")
    manifest = registry.manifest(repository, stage.digest)
    if manifest is None:
        raise _invalid(f"The registry no longer serves {repository.pinned(stage.digest)}.")
    tags = [_Tag(place, name, _digest(registry, place, name)) for place in (*others, repository) for name in stage.tags]
    if stage.refuse_moves:
        for tag in tags:
            repositories.refuse_move(tag.repository, tag.name, tag.before, manifest.digest)
    for other in others:
        registry.copy(repository, other, manifest)
    for tag in tags:
        _move(registry, tag, manifest)
    most = retention.most_own_tags(stage.registry.limit(repository.host))
    deleted, why = retention.apply(stage.retention, registry, repository, manifest.digest, most=most)
    return _fitting(
        Published(
            digest=manifest.digest,
            size=registry.size(repository, manifest),
            tags=tuple(_moved(tags, repository)),
            deleted=deleted,
            retention=why,
        )
    )


def _move(registry: Registry, tag: _Tag, manifest: Manifest) -> None:
    if tag.before == manifest.digest:
        return
    registry.put_manifest(tag.repository, tag.name, manifest)
    after = _digest(registry, tag.repository, tag.name)
    if after != manifest.digest:
        raise StageError(
            Reason.PUBLISH_FAILED,
            f"{tag.repository.repository}:{tag.name} was pointed at {manifest.digest}, but the registry serves "
            f"{after or 'nothing'} there.",
            f"Look for something else that moves this tag, {REQUEST_AGAIN}",
        )


def _moved(tags: list[_Tag], repository: ImageReference) -> Iterator[MovedTag]:
    """What is reported: the tags of the first repository first, and without its name."""
    for tag in sorted(tags, key=lambda tag: tag.repository != repository):
        other = "" if tag.repository == repository else tag.repository.repository
        yield MovedTag(tag=tag.name, previous=tag.before, repository=other)


def _fitting(result: Published) -> Published:
    """The result as far as a termination message carries it.

    First the tags of the other repositories are left out, then what the last tags pointed at before; the tags of the
    first repository always fit.
    """
    own = sum(not tag.repository for tag in result.tags)
    for number in range(len(result.tags), own - 1, -1):
        shorter = msgspec.structs.replace(result, tags=result.tags[:number])
        if fits(shorter):
            return shorter
    tags = list(result.tags[:own])
    for place in range(own - 1, -1, -1):
        tags[place] = MovedTag(tag=tags[place].tag)
        result = msgspec.structs.replace(result, tags=tuple(tags))
        if fits(result):
            break
    return result


def _digest(registry: Registry, repository: ImageReference, tag: str) -> str:
    """What a tag points at, empty when there is no such tag."""
    manifest = registry.manifest(repository, tag)
    return manifest.digest if manifest else ""


def _invalid(message: str) -> StageError:
    return StageError(
        Reason.DIGEST_INVALID,
        message,
        f"If the image was deleted at the registry, {REQUEST_AGAIN.removeprefix('then ')}",
    )
