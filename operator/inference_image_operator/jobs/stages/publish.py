"""The Publish stage's pod: `publish` alone, which moves the tags. docs/decisions/0023 says why it has its own Job."""

from inference_image_contract import inputs, tags
from inference_image_operator.api import Status, pinned
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    registry,
    registry_mounts,
    registry_volumes,
    scratch,
)
from inference_image_operator.jobs.sizing.disk import SMALL
from inference_image_operator.jobs.sizing.resources import of_step
from inference_image_operator.observed import Observed

MAX_REFERENCED = 8000
"""More digests than this do not fit into the environment variable. Retention then deletes nothing."""
DEADLINE = 30 * 60
"""Seconds. A copy to another registry takes the longest."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """The only container of it has the registry login. Raises ValueError as `publish_input`."""
    spec = observed.spec
    publish = container(
        "publish",
        config.images.build,
        of_step(spec, config, "publish"),
        args=["publish"],
        env=[input_env(publish_input(observed, status, config))],
        mounts=registry_mounts(spec),
    )
    volumes = [scratch("tmp", SMALL), *registry_volumes(spec)]
    return StagePod(spec=pod_spec(observed, config, containers=[publish], volumes=volumes), deadline_seconds=DEADLINE)


def publish_input(observed: Observed, status: Status, config: Config) -> inputs.PublishInput:
    """The input of `publish`.

    Raises ValueError if the status has no image or no checkpoint.
    """
    spec, built, held = observed.spec, status.built, pinned(observed.spec.image.pin, status.history)
    made_of = held or status.checkpoint
    if built is None or made_of is None:
        raise ValueError("the status has no image or no checkpoint to publish")
    return inputs.PublishInput(
        registry=registry(spec, status, config),
        digest=built.digest,
        tags=tags.render(spec.image.tags, made_of.step, held.content_hash if held else status.content_hash),
        refuse_moves=spec.image.tag_policy == "Refuse",
        retention=_retention(observed, config),
    )


def _retention(observed: Observed, config: Config) -> inputs.Retention | None:
    """The retention settings; None if the installation keeps all tags, or if the referenced digests are unknown."""
    keep, used = config.registries.keep_content_tags, observed.referenced_digests
    if not keep or used is None or len(used.current) + len(used.history) > MAX_REFERENCED:
        return None
    return inputs.Retention(
        keep=keep,
        current=_prefixes(used.current),
        history=_prefixes(used.history),
        delete_images=config.registries.delete_images,
    )


def _prefixes(names: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes by which retention compares digests, from `sha256:<hex>`."""
    return tuple(name.removeprefix("sha256:")[: inputs.DIGEST_PREFIX] for name in names)
