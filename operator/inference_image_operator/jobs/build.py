"""The Build stage's pod: `assemble` makes the context, Kaniko builds and pushes, `report` asks the registry."""

from typing import Any

from msgspec.structs import asdict

from inference_image_contract import inputs, paths
from inference_image_operator.config import Config
from inference_image_operator.jobs import reach, sizes
from inference_image_operator.jobs.export import pinned_manifest
from inference_image_operator.jobs.labels import lineage
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    literal,
    own_or,
    plain,
    pod_spec,
    registry,
    registry_mounts,
    registry_volumes,
    scratch,
    source_mounts,
    source_volumes,
    ufile_env,
    ufile_location,
    with_disk,
)
from inference_image_operator.model import Status, parse_duration
from inference_image_operator.names import content_tag
from inference_image_operator.observed import Observed

KANIKO_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETGID", "SETUID"]
"""What unpacking a base image with its owners and modes needs; see docs/decisions/0003."""
KANIKO_AUTH = "/kaniko/.docker"

_WORKSPACE = {"name": "workspace", "mountPath": paths.WORKSPACE}


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """Three containers one after the other, each with the credentials that it needs and no others."""
    spec = observed.spec
    pinned = pinned_manifest(status)
    report = container(
        "report",
        config.images.build,
        config.jobs.resources.report,
        args=["report"],
        env=[
            input_env(inputs.ReportInput(registry=registry(spec, config), content_tag=content_tag(status.content_hash)))
        ],
        mounts=[{**_WORKSPACE, "readOnly": True}, *registry_mounts(spec)],
    )
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[_assemble(observed, status, config), _kaniko(observed, status, config)],
            containers=[report],
            volumes=[
                scratch("tmp", sizes.SMALL),
                scratch("workspace", sizes.workspace(pinned.context_bytes)),
                *registry_volumes(spec),
                *source_volumes(spec),
                *reach.volumes(config),
            ],
        ),
        deadline_seconds=parse_duration(spec.build.timeout),
    )


def _assemble(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    spec, graph = observed.spec, status.frozen_graph
    if graph is None:
        raise ValueError("there is no graph to build an image from")
    pinned = pinned_manifest(status)
    work = inputs.AssembleInput(
        ufile=ufile_location(spec, config),
        manifest=inputs.ManifestRef(key=pinned.key, sha256=pinned.sha256),
        graph=inputs.Graph(
            key=graph.key,
            sha256=graph.sha256,
            size=graph.size,
            tensorflow=graph.tensorflow,
            onnx=inputs.OnnxModel(**asdict(graph.onnx)) if graph.onnx else None,
        ),
        source_prefix=spec.source.ufile.prefix if spec.source.ufile else "",
        checkpoint_dir=spec.source.checkpoint_dir,
        build_args=spec.build.args,
    )
    return container(
        "assemble",
        config.images.build,
        config.jobs.resources.assemble,
        args=["assemble"],
        env=[input_env(work), *ufile_env(spec), *reach.env(config)],
        mounts=[_WORKSPACE, *source_mounts(spec), *reach.mounts(config)],
    )


def _kaniko(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """Kaniko unpacks the base over its own root file system, so it is root there, with as little else as works."""
    spec, pinned = observed.spec, pinned_manifest(status)
    disk = sizes.kaniko(pinned.context_bytes, pinned.base_bytes)
    return {
        "name": "kaniko",
        "image": config.images.kaniko,
        "args": [literal(arg) for arg in kaniko_args(observed, status, config)],
        "resources": plain(with_disk(own_or(spec.build.resources, config.jobs.resources.kaniko), disk)),
        "securityContext": {
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": KANIKO_CAPABILITIES},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [_WORKSPACE, *registry_mounts(spec, KANIKO_AUTH)],
    }


def kaniko_args(observed: Observed, status: Status, config: Config) -> list[str]:
    """Kaniko's command line. Each value is one element; nothing goes through a shell.

    `dir://` because an archive as context is open to CVE-2026-28406; no compressed caching and snapshots by `redo`
    because they keep memory bounded.
    """
    spec = observed.spec
    hosts = config.registries.plain_http
    args = [
        f"--context=dir://{paths.CONTEXT}",
        f"--dockerfile={paths.DOCKERFILE}",
        f"--destination={spec.image.repository}:{content_tag(status.content_hash)}",
        f"--digest-file={paths.DIGEST_FILE}",
        "--compressed-caching=false",
        "--snapshot-mode=redo",
        "--push-retry=3",
        "--image-download-retry=3",
        "--log-timestamp=false",
        "--log-format=text",
        *(f"--label={name}={value}" for name, value in lineage(status, spec.model.prefix).items()),
    ]
    if spec.image.ca_secret_ref:
        args += [f"--registry-certificate={host}={paths.REGISTRY_CA}" for host in config.registries.allowed]
    args += [f"--insecure-registry={host}" for host in hosts]
    args += [f"--build-arg={name}={value}" for name, value in sorted(spec.build.args.items())]
    return args
