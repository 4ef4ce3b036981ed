"""The Test stage's pod: the built image as a sidecar, `probe` asks it like a client, then `publish` moves the tags."""

from typing import Any

from inference_image_contract import inputs, tags
from inference_image_operator.config import Config
from inference_image_operator.jobs import reach
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    plain,
    pod_spec,
    registry,
    registry_mounts,
    registry_volumes,
    scratch,
    ufile_env,
    ufile_location,
)
from inference_image_operator.jobs.sizes import SMALL
from inference_image_operator.model import Status, parse_duration
from inference_image_operator.observed import Observed

MAX_DIGESTS = 500
"""More digests in use than this do not fit into an environment variable beside the rest; then nothing is deleted."""
START = 15 * 60
"""Seconds, beside the test's own timeout, for pulling the image and for the last container."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """The sidecar gets no credential at all, `probe` the UFile keys, `publish` those of the registry."""
    spec, built = observed.spec, status.built
    if built is None:
        raise ValueError("there is no image to test")
    publish = container(
        "publish",
        config.images.build,
        config.jobs.resources.publish,
        args=["publish"],
        env=[input_env(publish_input(observed, status, config))],
        mounts=registry_mounts(spec),
    )
    push = spec.image.push_secret_ref
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[_image(observed, built.digest, config), _probe(observed, config)] if spec.test.enabled else [],
            containers=[publish],
            volumes=[
                scratch("tmp", SMALL),
                *registry_volumes(spec),
                *(reach.volumes(config) if spec.test.enabled and spec.test.sample else []),
            ],
            pull_secrets=(push.name,) if push else (),
        ),
        deadline_seconds=START + parse_duration(spec.test.timeout),
    )


def publish_input(observed: Observed, status: Status, config: Config) -> inputs.PublishInput:
    """What `publish` is asked to do.

    Raises ValueError when there is no image or no checkpoint.
    """
    spec, built, checkpoint = observed.spec, status.built, status.checkpoint
    if built is None or checkpoint is None:
        raise ValueError("there is nothing to publish")
    return inputs.PublishInput(
        registry=registry(spec, config),
        digest=built.digest,
        tags=tags.render(spec.image.tags, checkpoint.step, status.content_hash),
        refuse_moves=spec.image.tag_policy == "Refuse",
        retention=_retention(observed, config),
    )


def _retention(observed: Observed, config: Config) -> inputs.Retention | None:
    """None where the installation keeps everything, or where it is not known what is in use."""
    keep, used = config.registries.keep_content_tags, observed.digests_in_use
    if not keep or used is None or len(used) > MAX_DIGESTS:
        return None
    return inputs.Retention(keep=keep, in_use=used)


def _image(observed: Observed, digest: str, config: Config) -> dict[str, Any]:
    """The built image as it would be served. Its user is its own, so no restricted settings can be asked of it."""
    return {
        "name": "image",
        "image": f"{observed.spec.image.repository}@{digest}",
        "restartPolicy": "Always",
        "resources": plain(config.jobs.resources.image),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _probe(observed: Observed, config: Config) -> dict[str, Any]:
    spec = observed.spec
    work = inputs.ProbeInput(
        port=spec.test.port,
        ready_path=spec.test.ready_path,
        path=spec.test.path,
        timeout_seconds=parse_duration(spec.test.timeout),
        sample=spec.test.sample,
        ufile=ufile_location(spec, config) if spec.test.sample else None,
    )
    return container(
        "probe",
        config.images.build,
        config.jobs.resources.probe,
        args=["probe"],
        env=[input_env(work), *([*ufile_env(spec), *reach.env(config)] if spec.test.sample else [])],
        mounts=reach.mounts(config) if spec.test.sample else [],
    )
