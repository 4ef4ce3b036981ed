"""The images of a repository that the statuses refer to. Retention keeps them."""

import re
from collections.abc import Iterator

from msgspec import json
from msgspec.structs import replace

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.kube.client import Cluster
from inference_image_operator.kube.observe import InvalidObjectError, from_object
from inference_image_operator.observed import Observed, ReferencedDigests

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
        async for image in cluster.list_inference_images(namespace, all_labels=True):
            try:
                other = from_object(image)
            except InvalidObjectError:  # its repository is unknown: every digest that it names is kept
                current |= dict.fromkeys(_DIGEST.findall(json.encode(image.get("status", {})).decode()))
                continue
            if any(names.same_repository(wanted, repository) for repository in _repositories(other)):
                current |= dict.fromkeys(_current(other))
                history |= dict.fromkeys(entry.digest for entry in other.status.history)
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


def _repositories(other: Observed) -> Iterator[str]:
    """The repositories of an object: those in its spec, and that of its published image, which may differ."""
    yield other.spec.image.repository
    yield from other.spec.image.additional_repositories
    if other.status.image:
        yield other.status.image.reference.partition("@")[0]


def _current(other: Observed) -> Iterator[str]:
    status = other.status
    if status.image:
        yield status.image.digest
    if status.built:
        yield status.built.digest
    if status.content_hash:
        yield status.content_hash
