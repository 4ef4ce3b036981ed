"""The Build stage's pod: `assemble` makes the context, a builder builds and pushes, `report` reads the digest."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import asdict

from inference_image_contract import inputs, paths
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
    registry_secret_mounts,
    registry_volumes,
    scratch,
    ufile_env,
    ufile_location,
    workspace,
)
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.resources import of_step
from inference_image_operator.jobs.stages import append, kaniko
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed

BUILDERS: Mapping[Builder, Callable[[Observed, Status, Config], dict[str, Any]]] = {
    "Kaniko": kaniko.container,
    "Append": append.container,
}
"""A builder is one container. It reads the context and the pinned Dockerfile from the workspace, pushes the image under
the content tag, and writes the digest into the workspace."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """Three containers in sequence, each with only the credentials that it needs."""
    spec = observed.spec
    pinned = pinned_input_lock(status)
    build = BUILDERS[config.builder(spec.build)]
    report = container(
        "report",
        config.images.build,
        of_step(spec, config, "report"),
        args=["report"],
        env=[
            input_env(
                inputs.ReportInput(
                    registry=registry(spec, status, config), content_tag=content_tag(status.content_hash)
                )
            )
        ],
        mounts=[workspace(read_only=True), *registry_mounts(spec)],
    )
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[_assemble(observed, status, config), build(observed, status, config)],
            containers=[report],
            volumes=[
                scratch("tmp", disk.SMALL),
                scratch("workspace", disk.workspace(pinned.context_bytes)),
                *registry_volumes(spec),
                *(kaniko.login_volumes(spec) if _is_kaniko(observed, config) else []),
                *source.volumes(spec),
                *ufile_network.volumes(config),
            ],
        ),
        deadline_seconds=parse_duration(spec.build.timeout),
    )


def _assemble(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    spec, graph = observed.spec, status.frozen_graph
    if graph is None:
        raise ValueError("the status has no frozen graph to build an image from")
    pinned = pinned_input_lock(status)
    has_login = _is_kaniko(observed, config) and spec.image.push_secret_ref is not None
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
        registry=registry(spec, status, config) if has_login else None,
        cache_host=spec.build.cache.repository.partition("/")[0] if has_login and spec.build.cache.enabled else "",
    )
    logins = [*registry_secret_mounts(spec), *kaniko.login_mounts(spec, paths.BUILDER_AUTH.rsplit("/", 1)[0])]
    return container(
        "assemble",
        config.images.build,
        source.resources(spec, of_step(spec, config, "assemble")),
        args=["assemble"],
        env=[input_env(work), *ufile_env(spec), *ufile_network.env(config)],
        mounts=[workspace(), *(logins if has_login else []), *source.mounts(spec), *ufile_network.mounts(config)],
    )


def _is_kaniko(observed: Observed, config: Config) -> bool:
    return config.builder(observed.spec.build) == "Kaniko"
