"""The container of the Kaniko builder: executes RUN, so it needs root and capabilities to unpack images."""

from typing import Any

from inference_image_contract import paths
from inference_image_contract.registry_hosts import DEFAULT_HOST, key
from inference_image_contract.tags import content_tag
from inference_image_operator.api import Spec, Status
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.image_labels import provenance
from inference_image_operator.jobs.pod import (
    escape_dollars,
    registry_ca_mounts,
    repository,
    workspace,
)
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import to_dict, with_ephemeral_storage
from inference_image_operator.jobs.stages import depot
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed

CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETGID", "SETUID"]
"""Needed to unpack a base image with its owners and modes; see docs/decisions/0003."""
_DEPOT = f"{paths.DEPOT_HOST}:{paths.DEPOT_PORT}"


def containers(observed: Observed, status: Status, config: Config) -> list[dict[str, Any]]:
    """What runs between `assemble` and `report`."""
    cache = cache_repository(observed.spec, status, config)
    return [*depot.containers(observed, status, config, cache), _kaniko(observed, status, config)]


def _kaniko(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """Kaniko unpacks the base image over its own root file system, so it runs as root, with few capabilities."""
    spec, pinned = observed.spec, pinned_input_lock(status)
    room = disk.kaniko(pinned.context_bytes, pinned.base_bytes)
    return {
        "name": "kaniko",
        "image": config.images.kaniko,
        "args": [escape_dollars(arg) for arg in kaniko_args(observed, status, config)],
        "resources": to_dict(with_ephemeral_storage(of_container(spec, status, config, "kaniko"), room)),
        "securityContext": {
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": CAPABILITIES},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            workspace(),
            *depot.kaniko_mounts(spec),
            *(registry_ca_mounts(spec) if spec.build.cache.enabled else []),
        ],
    }


def kaniko_args(observed: Observed, status: Status, config: Config) -> list[str]:
    """Kaniko's command line in a pod: it pulls from the depot and pushes into it, whatever registry an image is on.

    The cache alone is in a registry.
    """
    spec = observed.spec
    hosts = [host for host in config.registries.hosts if key(host) != DEFAULT_HOST]
    return [
        f"--destination={_DEPOT}/image:{content_tag(status.content_hash)}",
        *_args(observed, status, config),
        f"--registry-mirror={_DEPOT}/base",
        *(f"--registry-map={host}={_DEPOT}/base" for host in hosts),
        "--skip-default-registry-fallback",
        "--skip-push-permission-check",
        *(_trust(spec, config) if spec.build.cache.enabled else []),
    ]


def local_args(observed: Observed, status: Status, config: Config) -> list[str]:
    """Kaniko's command line on a laptop, where it pulls and pushes by itself."""
    target = f"{repository(observed.spec, status, config)}:{content_tag(status.content_hash)}"
    return [
        f"--destination={target}",
        *_args(observed, status, config),
        *_trust(observed.spec, config),
        *_mirrors(config),
    ]


def cache_repository(spec: Spec, status: Status, config: Config) -> str:
    """The repository of Kaniko's cache; empty if it is not enabled."""
    if not spec.build.cache.enabled:
        return ""
    target = repository(spec, status, config)
    return repository(spec, status, config, spec.build.cache.repository or f"{target}-cache")


def _args(observed: Observed, status: Status, config: Config) -> list[str]:
    """Each value is one element; there is no shell.

    `dir://` because an archive as context is open to CVE-2026-28406. No compressed caching, and snapshots by `redo`,
    because both bound the memory. `--reproducible` gives up that bound, so it is optional. `/var/run` is a link to
    `/run` in most images; Kaniko loses it, and what RUN writes below it, unless told not to.
    """
    spec = observed.spec
    args = [
        f"--context=dir://{paths.CONTEXT}",
        f"--dockerfile={paths.DOCKERFILE}",
        f"--digest-file={paths.DIGEST_FILE}",
        "--compressed-caching=false",
        "--snapshot-mode=redo",
        "--ignore-var-run=false",
        "--push-retry=3",
        "--image-download-retry=3",
        "--log-timestamp=false",
        "--log-format=text",
    ]
    args += [f"--label={name}={value}" for name, value in provenance(status, spec.model.prefix).items()]
    args += [f"--build-arg={name}={value}" for name, value in sorted(spec.build.args.items())]
    if spec.build.reproducible:
        args.append("--reproducible")
    if cache := cache_repository(spec, status, config):
        args += ["--cache=true", f"--cache-repo={cache}"]
    return args


def _trust(spec: Spec, config: Config) -> list[str]:
    """How Kaniko reaches registries: with the custom CA, or without TLS."""
    ca = config.registries.hosts if spec.image.ca_secret_ref else ()
    return [
        *(f"--registry-certificate={host}={paths.REGISTRY_CA}" for host in ca),
        *(f"--insecure-registry={key(host)}" for host in config.registries.plain_http),
    ]


def _mirrors(config: Config) -> list[str]:
    """Kaniko has one flag for mirrors of the default registry, and another for mirrors of other registries."""
    args = []
    for host, mirrors in sorted(config.registries.mirrors.items()):
        if key(host) == DEFAULT_HOST:
            args += [f"--registry-mirror={mirror}" for mirror in mirrors]
        else:
            args += [
                f"--registry-map={name}={mirror}" for name in config.registries.names.of(host) for mirror in mirrors
            ]
    return args
