"""The container of the append builder: takes Dockerfiles without RUN, unpacks nothing, has restricted settings."""

from typing import Any

from inference_image_contract import inputs
from inference_image_operator.config import Config
from inference_image_operator.jobs import pod, sizes
from inference_image_operator.jobs.export import pinned_manifest
from inference_image_operator.jobs.labels import lineage
from inference_image_operator.model import Status
from inference_image_operator.names import content_tag
from inference_image_operator.observed import Observed
from inference_image_operator.resources import merge_resources, with_ephemeral_storage


def container(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """It streams what it pushes, so it needs no disk but the workspace and no more memory for larger weights."""
    spec = observed.spec
    resources = merge_resources(spec.build.resources, config.jobs.resources.append)
    work = inputs.AppendInput(
        registry=pod.registry(spec, status, config),
        content_tag=content_tag(status.content_hash),
        dockerfile=spec.source.dockerfile,
        checkpoint_dir=spec.source.checkpoint_dir,
        build_args=spec.build.args,
        labels=lineage(status, spec.model.prefix),
    )
    return pod.container(
        "append",
        config.images.build,
        with_ephemeral_storage(resources, sizes.workspace(pinned_manifest(status).context_bytes)),
        args=["append"],
        env=[pod.input_env(work)],
        mounts=[pod.workspace(), *pod.registry_mounts(spec)],
    )
