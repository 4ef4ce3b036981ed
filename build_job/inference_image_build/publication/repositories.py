"""The repositories of an image: finds what would forbid publishing before anything is built."""

import contextlib
from collections.abc import Iterator

from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract import inputs, tags
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def repositories(where: inputs.Registry) -> Iterator[ImageReference]:
    """Every repository that gets the image, the one of the build first. Raises StageError (`InvalidInput`).

    A repository that is listed under two names of its registry counts once.
    """
    names = where.names()
    seen: list[ImageReference] = []
    for text in (where.repository, *where.additional_repositories):
        found = references.parse_repository(text)
        if not any(names.same_repository(found.repository, other.repository) for other in seen):
            seen.append(found)
            yield found


def check_push(where: inputs.Registry, registry: Registry) -> ImageReference:
    """Proves that the credentials may push to each repository. Returns the first one under the name to use.

    That is the most preferred name of its registry with a login that may push: Kaniko and kubelets use a login only
    for its exact name. Raises StageError as `Registry.check_push`.
    """
    first, *others = repositories(where)
    found = _pushable(first, registry)
    for repository in others:
        registry.check_push(repository, uploads=True)
    return found


def _pushable(repository: ImageReference, registry: Registry) -> ImageReference:
    candidates = registry.names_with_login(repository)
    for named in candidates if candidates != [repository] else ():
        with contextlib.suppress(StageError):
            registry.check_push(named, uploads=True)
            return named
    registry.check_push(repository, uploads=True)
    return repository


def check_tags(
    request: inputs.ResolveInput, registry: Registry, step: int | None, content_hash: str, digest: str
) -> None:
    """Checks, for tagPolicy Refuse, that no tag points to another image. `digest` is empty before the image is built.

    `content_hash` is empty before the export; tags with it are checked when they are moved.

    Raises StageError: `TagExists`, and those of the registry.
    """
    known = [tag for tag in request.fixed_tags if content_hash or tags.CONTENT_HASH not in tag]
    for name in tags.render(known, step, content_hash):
        for repository in repositories(request.registry):
            found = registry.manifest(repository, name)
            refuse_move(repository, name, found.digest if found else "", digest)


def refuse_move(repository: ImageReference, tag: str, before: str, digest: str) -> None:
    """Refuses a tag that points to another image; `digest` is empty before the image is built.

    Raises StageError (`TagExists`).
    """
    if before in {"", digest}:
        return
    raise StageError(
        Reason.TAG_EXISTS,
        f"{repository.repository}:{tag} already points to {before}, and spec.image.tagPolicy is Refuse. "
        "No tag was moved.",
        "Choose another tag, put {step} or {contentHash} in it, or set spec.image.tagPolicy to Overwrite.",
    )
