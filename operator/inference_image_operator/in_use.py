"""Which images of a repository the statuses refer to, so that retention leaves them alone."""

from collections.abc import Iterator

from msgspec.structs import replace

from inference_image_operator.cluster import Cluster
from inference_image_operator.config import Config
from inference_image_operator.observe import from_object
from inference_image_operator.observed import Observed


async def with_digests(cluster: Cluster, config: Config, observed: Observed) -> Observed:
    """The observation with `digests_in_use`, where this pass may create the Job that needs them.

    It costs a list of all InferenceImages at the end of a stage, and only where retention is on.
    """
    claimed = observed.claimed
    if not config.registries.keep_content_tags or (claimed is not None and not claimed.finished):
        return observed
    wanted = observed.spec.image.repository
    found: dict[str, None] = {}
    for namespace in config.watch_namespaces or ("",):
        async for image in cluster.images(namespace):
            other = from_object(image)
            if wanted in {other.spec.image.repository, *other.spec.image.additional_repositories} or _names(
                other, wanted
            ):
                found |= dict.fromkeys(_digests(other))
    return replace(observed, digests_in_use=tuple(found))


def _names(other: Observed, repository: str) -> bool:
    """Whether its published image is of the repository, although its spec has moved on."""
    image = other.status.image
    return image is not None and image.reference.partition("@")[0] == repository


def _digests(other: Observed) -> Iterator[str]:
    status = other.status
    if status.image:
        yield status.image.digest
    if status.built:
        yield status.built.digest
    yield from (entry.digest for entry in status.history)
