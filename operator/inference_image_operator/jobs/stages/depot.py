"""The containers around Kaniko that have what a RUN must not see: `pull` before it, the depot beside it.

`pull` has the registry login. It puts the base images into a volume, and ends. `depot`, a sidecar without any login,
serves that volume to Kaniko as a registry, and takes the image that Kaniko makes. Kaniko does not mount the volume.
"""

from typing import Any

from inference_image_contract import inputs, paths
from inference_image_operator.api import Spec, Status
from inference_image_operator.api.steps import LOGIN
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import container, input_env, registry, registry_mounts
from inference_image_operator.jobs.sizing import disk
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import with_ephemeral_storage
from inference_image_operator.jobs.stages.export import pinned_input_lock
from inference_image_operator.observed import Observed

AUTH = "/kaniko/.docker"
_LOGINS = 1024**2
"""Bytes: a Secret has no more."""
_NAMES = {"hosts": "/etc/hosts", "resolv.conf": "/etc/resolv.conf"}


def volumes(spec: Spec) -> list[dict[str, Any]]:
    """The depot, the files that say where a name leads, and memory for the login of the cache."""
    login = {"name": LOGIN, "emptyDir": {"medium": "Memory", "sizeLimit": str(_LOGINS)}}
    found: list[dict[str, Any]] = [
        {"name": "depot", "emptyDir": {}},
        {"name": "names", "emptyDir": {"sizeLimit": str(disk.MIB)}},
    ]
    return found + ([login] if has_login(spec) else [])


def has_login(spec: Spec) -> bool:
    """Whether Kaniko gets a login: its cache of layers needs one, and Kaniko has no other way to read and write it."""
    return spec.build.cache.enabled and spec.image.push_secret_ref is not None


def mount(*, read_only: bool = False) -> dict[str, Any]:
    """The mount of the depot."""
    found: dict[str, Any] = {"name": "depot", "mountPath": paths.DEPOT}
    return found | ({"readOnly": True} if read_only else {})


def kaniko_mounts(spec: Spec) -> list[dict[str, Any]]:
    """What Kaniko mounts of these volumes.

    The containers of a pod share /etc/hosts and /etc/resolv.conf: what a RUN writes there would send `report`, with
    its login, elsewhere. So Kaniko gets copies.
    """
    names = [{"name": "names", "mountPath": path, "subPath": name} for name, path in _NAMES.items()]
    return names + ([{"name": LOGIN, "mountPath": AUTH, "readOnly": True}] if has_login(spec) else [])


def containers(observed: Observed, status: Status, config: Config, cache: str) -> list[dict[str, Any]]:
    """`pull` and `depot`. `cache` is the repository of Kaniko's cache; empty without one."""
    spec, pinned = observed.spec, pinned_input_lock(status)
    work = inputs.PullInput(
        registry=registry(spec, status, config),
        dockerfile=spec.source.dockerfile,
        build_args=spec.build.args,
        cache_host=cache.partition("/")[0] if has_login(spec) else "",
    )
    login = [{"name": LOGIN, "mountPath": paths.BUILDER_AUTH.rpartition("/")[0]}] if has_login(spec) else []
    room = disk.depot(pinned.context_bytes, pinned.base_bytes, reproducible=spec.build.reproducible)
    pull = container(
        "pull",
        config.images.build,
        with_ephemeral_storage(of_container(spec, status, config, "pull"), room),
        args=["pull"],
        env=[input_env(work)],
        mounts=[
            {"name": "workspace", "mountPath": paths.WORKSPACE, "readOnly": True},
            mount(),
            {"name": "names", "mountPath": paths.NAMES},
            *login,
            *registry_mounts(spec),
        ],
    )
    served = container(
        "depot",
        config.images.build,
        with_ephemeral_storage(of_container(spec, status, config, "depot"), room),
        args=["depot"],
        mounts=[mount()],
    )
    return [pull, served | {"restartPolicy": "Always"}]
