"""Publish: points the user's tags to the tested digest in every repository, and reads each tag back."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from inference_image_build.publication import repositories, retention
from inference_image_build.registry.client import Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.hints import ANNOTATE, REQUEST_AGAIN
from inference_image_contract.inputs import PublishInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MovedTag, Published, fits


class _Tag(NamedTuple):
    """A tag to move, and the digest that it points to now; empty when the tag is new."""

    repository: ImageReference
    name: str
    before: str


def publish(request: PublishInput, registry: Registry) -> Published:
    """Moves every tag. A tag that already points to the digest is not written; its `previous` is the digest itself.

    The order: check everything that could forbid the move, copy the image to the other repositories, move the tags,
    remove old content tags by `retention`. The tags of `spec.image.repository` move last: whoever watches them finds
    the other repositories done.
    Raises StageError: `PublishFailed`, `TagExists`, `TagImmutable`, `DigestInvalid`, and those of the registry.
    """
    repository, *others = repositories.repositories(request.registry)
    if not DIGEST.fullmatch(request.digest):
        raise _invalid(f"{request.digest[:100]!r} is not a sha256 digest.")
    manifest = registry.manifest(repository, request.digest)
    if manifest is None:
        raise _invalid(f"The registry no longer serves {repository.pinned(request.digest)}.")
    tags = [
        _Tag(place, name, _digest(registry, place, name)) for place in (*others, repository) for name in request.tags
    ]
    if request.refuse_moves:
        for tag in tags:
            repositories.refuse_move(tag.repository, tag.name, tag.before, manifest.digest)
    places = [repository]
    for other in others:  # from the same registry if it has the image by now: its blobs are mounted
        near = next((place for place in places if registry.names.same(place.host, other.host)), repository)
        registry.copy(near, other, manifest)
        places.append(other)
    for tag in tags:
        _move(registry, tag, manifest)
    most = retention.most_own_tags(request.registry.limit(repository.host))
    deleted, why = retention.apply(request.retention, registry, repository, manifest.digest, most=most)
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
            f"{tag.repository.repository}:{tag.name} was moved to {manifest.digest}, but the registry serves "
            f"{after or 'nothing'} there.",
            f"Find out what else moves this tag, {REQUEST_AGAIN}",
        )


def _moved(tags: list[_Tag], repository: ImageReference) -> Iterator[MovedTag]:
    """The tags to report: those of the first repository come first and carry no repository name."""
    for tag in sorted(tags, key=lambda tag: tag.repository != repository):
        other = "" if tag.repository == repository else tag.repository.repository
        yield MovedTag(tag=tag.name, previous=tag.before, repository=other)


def _fitting(result: Published) -> Published:
    """The result, shortened to fit into a termination message.

    First the tags of the other repositories are dropped, then the previous digests of the last tags; the tags of the
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
    """The digest that a tag points to; empty when there is no such tag."""
    manifest = registry.manifest(repository, tag)
    return manifest.digest if manifest else ""


def _invalid(message: str) -> StageError:
    return StageError(
        Reason.DIGEST_INVALID,
        message,
        f"If the image was deleted in the registry, {ANNOTATE}.",
    )
