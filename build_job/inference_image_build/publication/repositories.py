"""Where an image is going to be published: what could forbid it later is found before anything is built."""

import contextlib
from collections.abc import Iterator

from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract import inputs, tags
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def repositories(where: inputs.Registry) -> Iterator[ImageReference]:
    """Every repository that the image goes to, that of the build first. Raises StageError (`InvalidInput`).

    One that is named twice, under two names of its registry, is one.
    """
    names = where.names()
    seen: list[ImageReference] = []
    for text in (where.repository, *where.additional_repositories):
        found = references.parse_repository(text)
        if not any(names.same_repository(found.repository, other.repository) for other in seen):
            seen.append(found)
            yield found


def check_push(where: inputs.Registry, registry: Registry) -> ImageReference:
    """Proves that the credentials may push to each repository; the first one under the name that is to be used.

    That is the first name of its registry, the preferred before the others, for which there is a login that may push:
    Kaniko and kubelets know a login for the very name alone. Raises StageError as `Registry.check_push`.
    """
    first, *others = repositories(where)
    found = _pushable(first, registry)
    for repository in others:
        registry.check_push(repository)
    return found


def _pushable(repository: ImageReference, registry: Registry) -> ImageReference:
    candidates = registry.names_with_login(repository)
    for named in candidates if candidates != [repository] else ():
        with contextlib.suppress(StageError):
            registry.check_push(named)
            return named
    registry.check_push(repository)
    return repository


def check_tags(stage: inputs.ResolveInput, registry: Registry, pinned: inputs.InputLock, digest: str) -> None:
    """With tagPolicy Refuse: no tag points to another image; `digest` is empty when this content has no image yet.

    Raises StageError: `TagExists`, and those of the registry.
    """
    for name in tags.render(stage.fixed_tags, pinned.step, pinned.content_hash):
        for repository in repositories(stage.registry):
            found = registry.manifest(repository, name)
            refuse_move(repository, name, found.digest if found else "", digest)


def refuse_move(repository: ImageReference, tag: str, before: str, digest: str) -> None:
    """Refuses a tag that points elsewhere; `digest` is empty as long as the image is not built.

    Raises StageError (`TagExists`).
    """
    if before in {"", digest}:
        return
    raise StageError(
        Reason.TAG_EXISTS,
        f"{repository.repository}:{tag} points to {before} already, and spec.image.tagPolicy is Refuse. "
        "No tag was moved.",
        "Choose another tag, write {step} or {contentHash} into it, or set spec.image.tagPolicy to Overwrite.",
    )
