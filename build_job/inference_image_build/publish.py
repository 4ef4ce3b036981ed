"""Publish: points the user's tags at the tested digest and reads each of them back."""

from inference_image_build import references
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.references import ImageReference
from inference_image_build.registry import Manifest, Registry
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PublishInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MovedTag, Published


def publish(stage: PublishInput, registry: Registry) -> Published:
    """Moves every tag; one that points there already is not written. `previous` is then the digest itself.

    Raises StageError: `PublishFailed`, `DigestInvalid`, and those of the registry.
    """
    repository = references.parse_repository(stage.registry.repository)
    if not references.DIGEST.fullmatch(stage.digest):
        raise _invalid(f"{stage.digest[:100]!r} is not a sha256 digest.")
    manifest = registry.manifest(repository, stage.digest)
    if manifest is None:
        raise _invalid(f"The registry no longer serves {repository.pinned(stage.digest)}.")
    return Published(
        digest=manifest.digest,
        size=registry.size(repository, manifest),
        tags=tuple(_move(registry, repository, tag, manifest) for tag in stage.tags),
    )


def _move(registry: Registry, repository: ImageReference, tag: str, manifest: Manifest) -> MovedTag:
    before = _digest(registry, repository, tag)
    if before == manifest.digest:
        return MovedTag(tag=tag, previous=before)
    registry.put_manifest(repository, tag, manifest)
    after = _digest(registry, repository, tag)
    if after != manifest.digest:
        raise StageError(
            Reason.PUBLISH_FAILED,
            f"{repository.repository}:{tag} was pointed at {manifest.digest}, but the registry serves "
            f"{after or 'nothing'} there.",
            f"Look for something else that moves this tag, {REQUEST_AGAIN}",
        )
    return MovedTag(tag=tag, previous=before)


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
