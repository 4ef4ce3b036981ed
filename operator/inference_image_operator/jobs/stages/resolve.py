"""The Resolve stage's pod: pins the inputs, and checks early what can fail later."""

from inference_image_contract import inputs
from inference_image_operator.api import ProducedStatus, Spec, Status
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import source, ufile_network
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    registry_mounts,
    registry_volumes,
    scratch,
    ufile_env,
    ufile_location,
)
from inference_image_operator.jobs.sizing.disk import SMALL
from inference_image_operator.jobs.sizing.resources import of_step
from inference_image_operator.observed import Observed

DEADLINE = 30 * 60
"""Seconds. Resolve takes a few; the rest allows for a late Secret or a slow image pull."""


def pod(observed: Observed, _status: Status, config: Config) -> StagePod:
    """One restricted container with the keys of US3 (formerly UFile) and the registry login."""
    spec = observed.spec
    resolve = container(
        "resolve",
        config.images.build,
        source.resources(spec, of_step(spec, config, "resolve")),
        args=["resolve"],
        env=[input_env(stage_input(spec, observed.status, config)), *ufile_env(spec), *ufile_network.env(config)],
        mounts=[*registry_mounts(spec), *source.mounts(spec), *ufile_network.mounts(config)],
    )
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            containers=[resolve],
            volumes=[
                scratch("tmp", SMALL),
                *registry_volumes(spec),
                *source.volumes(spec),
                *ufile_network.volumes(config),
            ],
        ),
        deadline_seconds=DEADLINE,
    )


def stage_input(spec: Spec, status: Status, config: Config) -> inputs.ResolveInput:
    """The input of `resolve`: what to pin, and which results may be reused."""
    produced = status.produced or ProducedStatus()
    return inputs.ResolveInput(
        ufile=ufile_location(spec, config),
        prefix=spec.model.prefix,
        step=spec.model.checkpoint.step if spec.model.checkpoint else None,
        checkpoint_name=spec.model.checkpoint.name if spec.model.checkpoint else "",
        pipeline_config=spec.model.pipeline_config,
        label_map=spec.model.label_map,
        input_type=spec.export.input_type,
        formats=spec.export.other_formats,
        readable_by=spec.export.readable_by,
        frozen_graph=spec.export.frozen_graph.key if spec.export.frozen_graph else "",
        output_prefix=spec.export.output_prefix,
        source_prefix=source.prefix(spec),
        source_archive=source.archive(spec),
        source_git=source.git(spec, config),
        inference_base=config.sources.inference_base,
        base_rewrites=source.base_rewrites(config),
        dockerfile=spec.source.dockerfile,
        checkpoint_dir=spec.source.checkpoint_dir,
        build_args=spec.build.args,
        builder=config.builder(spec.build),
        allowed_builders=config.builders.allowed,
        registry=config.registries.for_jobs(spec.image.repository, spec.image.additional_repositories),
        sample=spec.test.sample if spec.test.enabled else "",
        restore=spec.ufile.restore,
        exports={made.fingerprint: made.sha256 for made in produced.exports},
        images={made.content_hash: made.digest for made in produced.images},
        fixed_tags=spec.image.tags if spec.image.tag_policy == "Refuse" else (),
    )
