"""The images of a repository that the statuses refer to. Retention keeps them."""

from msgspec.structs import replace

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.kube.cluster import Cluster
from inference_image_operator.observed import Observed, ReferencedDigests


async def with_referenced_digests(cluster: Cluster, config: Config, observed: Observed) -> Observed:
    """The observation with `referenced_digests`, if this reconcile may create the Job that needs it.

    It costs a list of all InferenceImages. So only a reconcile that may begin Publish reads it, and only if retention
    is enabled.
    """
    if not config.registries.keep_content_tags or not _may_begin_publish(observed):
        return observed
    names, wanted = config.registries.names, observed.spec.image.repository
    current: dict[str, None] = {}
    history: dict[str, None] = {}
    for namespace in config.watch_namespaces or ("",):
        for other in await cluster.list_references(namespace):
            known = other.repositories
            if not known or any(names.same_repository(wanted, repository) for repository in known):
                current |= dict.fromkeys(other.current)
                history |= dict.fromkeys(other.history)
    found = ReferencedDigests(
        current=tuple(current), history=tuple(digest for digest in history if digest not in current)
    )
    return replace(observed, referenced_digests=found)


def _may_begin_publish(observed: Observed) -> bool:
    """Whether Publish may be next: the status claims it, or it may follow the finished stage."""
    stage, claimed = observed.status.stage, observed.claimed
    if stage is None:
        return False
    return claimed.finished and stage.name != Stage.EXPORT if claimed else stage.name == Stage.PUBLISH
