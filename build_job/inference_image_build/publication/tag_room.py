"""Warns about repositories with many tags before the registry deletes or refuses tags."""

from collections.abc import Iterator

from inference_image_build.publication import repositories
from inference_image_build.publication.retention import OWN_TAG
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_contract import inputs, uhub
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.results import StageWarning


def check(where: inputs.Registry, registry: Registry) -> Iterator[StageWarning]:
    """A warning for each repository with many tags; a registry that does not list its tags is skipped."""
    for repository in repositories.repositories(where):
        limit = where.limit(repository.host)
        if not limit.warn_tags:
            continue
        try:
            tags = registry.tags(repository)
        except (StageError, ValueError):  # ValueError: not JSON where JSON is expected
            continue
        if len(tags) >= limit.warn_tags:
            yield _warning(repository, tags, limit, registry)


def _warning(
    repository: ImageReference, tags: list[str], limit: inputs.RegistryLimit, registry: Registry
) -> StageWarning:
    own = sum(1 for tag in tags if OWN_TAG.fullmatch(tag))
    most = limit.tags or limit.warn_tags
    rule = uhub.too_many_tags(most) if registry.names.is_uhub(repository.host) else f"its registry accepts {most}"
    return StageWarning(
        Reason.REPOSITORY_NEARLY_FULL.value,
        f"{repository.repository} has {len(tags)} tags, {own} of them content tags of this operator; {rule}. Delete "
        "unused tags, publish to another repository, or remove {step} and {contentHash} from spec.image.tags: with "
        "them, each new image adds a tag.",
    )
