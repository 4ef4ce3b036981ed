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
from inference_image_operator.jobs.sizing import disk as sizes
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import to_dict, with_ephemeral_storage
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed

CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETGID", "SETUID"]
"""Needed to unpack a base image with its owners and modes; see docs/decisions/0003."""
AUTH = "/kaniko/.docker"
_LOGINS = 1024**2
"""Bytes: a Secret has no more."""


def container(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """Kaniko unpacks the base image over its own root file system, so it runs as root, with few capabilities."""
    spec, pinned = observed.spec, pinned_input_lock(status)
    disk = sizes.kaniko(pinned.context_bytes, pinned.base_bytes)
    return {
        "name": "kaniko",
        "image": config.images.kaniko,
        "args": [escape_dollars(arg) for arg in kaniko_args(observed, status, config)],
        "resources": to_dict(with_ephemeral_storage(of_container(spec, status, config, "kaniko"), disk)),
        "securityContext": {
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": CAPABILITIES},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [workspace(), *login_mounts(spec, AUTH, read_only=True), *registry_ca_mounts(spec)],
    }


def login_volumes(spec: Spec) -> list[dict[str, Any]]:
    """Memory for the logins that `assemble` writes for Kaniko, if the spec names a Secret with logins."""
    login = {"name": "login", "emptyDir": {"medium": "Memory", "sizeLimit": str(_LOGINS)}}
    return [login] if spec.image.push_secret_ref else []


def login_mounts(spec: Spec, directory: str, *, read_only: bool = False) -> list[dict[str, Any]]:
    """The mount of `login_volumes` at a directory."""
    mount: dict[str, Any] = {"name": "login", "mountPath": directory} | ({"readOnly": True} if read_only else {})
    return [mount] if spec.image.push_secret_ref else []


def kaniko_args(observed: Observed, status: Status, config: Config) -> list[str]:
    """Kaniko's command line. Each value is one element; there is no shell.

    `dir://` because an archive as context is open to CVE-2026-28406. No compressed caching, and snapshots by `redo`,
    because both bound the memory. `--reproducible` gives up that bound, so it is optional. `/var/run` is a link to
    `/run` in most images; Kaniko loses it, and what RUN writes below it, unless told not to.
    """
    spec = observed.spec
    hosts = [key(host) for host in config.registries.plain_http]
    target = repository(spec, status, config)
    args = [
        f"--context=dir://{paths.CONTEXT}",
        f"--dockerfile={paths.DOCKERFILE}",
        f"--destination={target}:{content_tag(status.content_hash)}",
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
    if spec.image.ca_secret_ref:
        args += [f"--registry-certificate={host}={paths.REGISTRY_CA}" for host in config.registries.hosts]
    args += [f"--insecure-registry={host}" for host in hosts]
    args += _mirrors(config)
    args += [f"--build-arg={name}={value}" for name, value in sorted(spec.build.args.items())]
    if spec.build.reproducible:
        args.append("--reproducible")
    if spec.build.cache.enabled:
        cache = repository(spec, status, config, spec.build.cache.repository or f"{target}-cache")
        args += ["--cache=true", f"--cache-repo={cache}"]
    return args


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
