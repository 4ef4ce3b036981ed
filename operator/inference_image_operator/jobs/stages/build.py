"""The Build stage's pod: `assemble` makes the context, a builder builds, `report` says what the registry has."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import asdict

from inference_image_contract import inputs
from inference_image_contract.tags import content_tag
from inference_image_operator.api import Status, parse_duration
from inference_image_operator.config.installation import Builder, Config
from inference_image_operator.jobs import source, ufile_network
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    registry,
    registry_mounts,
    registry_volumes,
    scratch,
    ufile_env,
    ufile_location,
    workspace,
)
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.resources import of_step
from inference_image_operator.jobs.stages import append, depot, kaniko
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed

BUILDERS: Mapping[Builder, Callable[[Observed, Status, Config], list[dict[str, Any]]]] = {
    "Kaniko": kaniko.containers,
    "Append": append.containers,
}
"""A builder is one container or more. It reads the context and the pinned Dockerfile from the workspace. It pushes the
image under the content tag and writes the digest into the workspace, or it leaves the image in the depot."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """Containers in sequence, each with only the credentials that it needs."""
    spec = observed.spec
    pinned = pinned_input_lock(status)
    build = BUILDERS[config.builder(spec.build)]
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[_assemble(observed, status, config), *build(observed, status, config)],
            containers=[_report(observed, status, config)],
            volumes=[
                scratch("tmp", disk.SMALL),
                scratch("workspace", disk.workspace(pinned.context_bytes)),
                *registry_volumes(spec),
                *(depot.volumes(spec) if _has_depot(observed, config) else []),
                *source.volumes(spec),
                *ufile_network.volumes(config),
            ],
        )
        | ({"hostUsers": False} if config.jobs.build_user_namespaces else {}),
        deadline_seconds=parse_duration(spec.build.timeout),
    )


def _report(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    spec, pushes = observed.spec, _has_depot(observed, config)
    work = inputs.ReportInput(
        registry=registry(spec, status, config),
        content_tag=content_tag(status.content_hash),
        pushes=pushes,
        known_repositories=append.known(spec, status) if pushes else (),
    )
    handed = depot.mount(read_only=True) if pushes else workspace(read_only=True)
    return container(
        "report",
        config.images.build,
        of_step(spec, config, "report"),
        args=["report"],
        env=[input_env(work)],
        mounts=[handed, *registry_mounts(spec)],
    )


def _assemble(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    spec, graph = observed.spec, status.frozen_graph
    if graph is None:
        raise ValueError("the status has no frozen graph to build an image from")
    pinned = pinned_input_lock(status)
    work = inputs.AssembleInput(
        ufile=ufile_location(spec, config),
        input_lock=inputs.InputLockRef(key=pinned.key, sha256=pinned.sha256),
        graph=inputs.Graph(
            key=graph.key,
            sha256=graph.sha256,
            size=graph.size,
            tensorflow=graph.tensorflow,
            onnx=inputs.OnnxModel(**asdict(graph.onnx)) if graph.onnx else None,
        ),
        source_prefix=source.prefix(spec),
        source_git=source.git(spec, config),
        checkpoint_dir=spec.source.checkpoint_dir,
        build_args=spec.build.args,
        builder=config.builder(spec.build),
    )
    return container(
        "assemble",
        config.images.build,
        source.resources(spec, of_step(spec, config, "assemble")),
        args=["assemble"],
        env=[input_env(work), *ufile_env(spec), *ufile_network.env(config)],
        mounts=[workspace(), *source.mounts(spec), *ufile_network.mounts(config)],
    )


def _has_depot(observed: Observed, config: Config) -> bool:
    return config.builder(observed.spec.build) == "Kaniko"
