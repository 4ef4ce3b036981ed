"""The container of the Append builder: accepts Dockerfiles without RUN, unpacks nothing, has restricted settings."""

from typing import Any

from inference_image_contract import inputs
from inference_image_contract.tags import content_tag
from inference_image_operator.api import Spec, Status
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import pod
from inference_image_operator.jobs.image_labels import provenance
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import with_ephemeral_storage
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed


def containers(observed: Observed, status: Status, config: Config) -> list[dict[str, Any]]:
    """It streams the layers, so it needs no disk beside the workspace, and constant memory."""
    spec = observed.spec
    resources = of_container(spec, status, config, "append")
    work = inputs.AppendInput(
        registry=pod.registry(spec, status, config),
        content_tag=content_tag(status.content_hash),
        dockerfile=spec.source.dockerfile,
        checkpoint_dir=spec.source.checkpoint_dir,
        build_args=spec.build.args,
        labels=provenance(status, spec.model.prefix),
        known_repositories=known(spec, status),
        allowed_builders=config.builders.allowed,
    )
    return [
        pod.container(
            "append",
            config.images.build,
            with_ephemeral_storage(resources, disk.workspace(pinned_input_lock(status).context_bytes)),
            args=["append"],
            env=[pod.input_env(work)],
            mounts=[pod.workspace(), *pod.registry_mounts(spec)],
        )
    ]


def known(spec: Spec, status: Status) -> tuple[str, ...]:
    """The repository of the newest published image, if the spec names another one now."""
    newest = status.image.reference.partition("@")[0] if status.image else ""
    return () if newest in {"", spec.image.repository} else (newest,)
