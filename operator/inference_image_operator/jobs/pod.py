"""Parts that the pods of all stages share: security settings, scheduling, credentials, scratch space, containers."""

from typing import Any

from inference_image_contract import inputs, paths
from inference_image_contract.registry_hosts import key
from inference_image_operator.api import Spec, Status, write
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import ContainerResources
from inference_image_operator.jobs.sizing.disk import SMALL
from inference_image_operator.jobs.sizing.resources import to_dict, with_ephemeral_storage
from inference_image_operator.observed import Frozen, Observed

USER = 65532
RESTRICTED: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
TMP = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - the mount point of an emptyDir


class StagePod(Frozen, frozen=True, kw_only=True):
    """The spec of a pod template, and the deadline of its Job, pending time included."""

    spec: dict[str, Any]
    deadline_seconds: int


def template_metadata(spec: Spec, config: Config, labels: dict[str, str]) -> dict[str, Any]:
    """The pod's metadata. `labels` are the operator's own: nothing overrides them, and the installation comes next."""
    object_, installation = spec.pod_metadata, config.jobs.pod_metadata
    annotations = dict(object_.annotations) | dict(installation.annotations)
    found: dict[str, Any] = {"labels": dict(object_.labels) | dict(installation.labels) | labels}
    return found | ({"annotations": annotations} if annotations else {})


def escape_dollars(text: str) -> str:
    """Escapes text for `args` and `env`, where Kubernetes expands `$(NAME)`.

    Kubernetes reads `$$` as one `$`, whatever follows.
    """
    return text.replace("$", "$$")


def ufile_location(spec: Spec, config: Config) -> inputs.UFile:
    """The bucket of US3 (formerly UFile). The policy has checked the endpoint before.

    Raises ValueError if the installation does not allow the endpoint.
    """
    endpoint = config.endpoint(spec.ufile)
    if endpoint is None:
        raise ValueError("this installation does not allow the endpoint")
    return inputs.UFile(
        bucket=spec.ufile.bucket,
        scheme=endpoint.scheme,
        suffix=endpoint.suffix,
        max_files=_kept(config.ufile.limits.max_files, inputs.MAX_FILES),
        max_bytes=_kept(config.ufile.limits.total(), inputs.MAX_BYTES),
    )


def _kept(value: int, default: int) -> int:
    """Returns the default object itself so that msgspec omits it and the Job manifests stay unchanged."""
    return default if value == default else value


def repository(spec: Spec, status: Status, config: Config, named: str = "") -> str:
    """`spec.image.repository`, or `named`, under the registry alias that `resolve` chose.

    Otherwise its host is canonical: Kaniko and kubelets compare hosts as text.
    """
    text = named or spec.image.repository
    host = status.run.registry_host if status.run else ""
    return config.registries.names.at(text, host or key(text.partition("/")[0]))


def registry(spec: Spec, status: Status, config: Config) -> inputs.Registry:
    """The registry settings of this object: target repositories and allowed hosts."""
    return config.registries.for_jobs(repository(spec, status, config), spec.image.additional_repositories)


def input_env(value: inputs.Input) -> dict[str, Any]:
    """The environment variable that carries a container's input."""
    return {"name": paths.INPUT_ENV, "value": escape_dollars(inputs.encode(value))}


def ufile_env(spec: Spec) -> list[dict[str, Any]]:
    """The keys of US3 (formerly UFile), by reference. The operator never reads them.

    Only temporary keys have a security token.
    """
    secret = spec.ufile.secret_ref.name
    token = {"name": secret, "key": "securityToken", "optional": True}
    return [
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for name, key in ((paths.PUBLIC_KEY_ENV, "publicKey"), (paths.PRIVATE_KEY_ENV, "privateKey"))
        ),
        {"name": paths.SECURITY_TOKEN_ENV, "valueFrom": {"secretKeyRef": token}},
    ]


def registry_volumes(spec: Spec) -> list[dict[str, Any]]:
    """Login and CA of the registry, if the spec names them."""
    found = []
    if spec.image.push_secret_ref:
        found.append(_secret("registry", spec.image.push_secret_ref.name, ".dockerconfigjson", "config.json"))
    if spec.image.ca_secret_ref:
        found.append(_secret("registry-ca", spec.image.ca_secret_ref.name, "ca.crt", "ca.crt"))
    return found


def registry_mounts(spec: Spec) -> list[dict[str, Any]]:
    """The mounts of `registry_volumes`."""
    return [*registry_secret_mounts(spec), *registry_ca_mounts(spec)]


def registry_secret_mounts(spec: Spec) -> list[dict[str, Any]]:
    """The mount of the Secret with registry logins, if the spec names one."""
    if not spec.image.push_secret_ref:
        return []
    return [{"name": "registry", "mountPath": paths.REGISTRY_AUTH.rsplit("/", 1)[0], "readOnly": True}]


def registry_ca_mounts(spec: Spec) -> list[dict[str, Any]]:
    """The mount of the registry's CA, if the spec names one."""
    if not spec.image.ca_secret_ref:
        return []
    return [{"name": "registry-ca", "mountPath": paths.REGISTRY_CA.rsplit("/", 1)[0], "readOnly": True}]


def workspace(*, read_only: bool = False) -> dict[str, Any]:
    """The mount through which the containers of a pod hand files to each other."""
    mount: dict[str, Any] = {"name": "workspace", "mountPath": paths.WORKSPACE}
    return mount | ({"readOnly": True} if read_only else {})


def scratch(name: str, size: int) -> dict[str, Any]:
    """An emptyDir of at most `size` bytes."""
    return {"name": name, "emptyDir": {"sizeLimit": str(size)}}


def container(
    name: str,
    image: str,
    resources: ContainerResources,
    *,
    args: list[str] | None = None,
    env: list[dict[str, Any]] | None = None,
    mounts: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A container of one of our images, with restricted settings and a writable /tmp."""
    found: dict[str, Any] = {
        "name": name,
        "image": image,
        "resources": to_dict(with_ephemeral_storage(resources, SMALL)),
        "securityContext": RESTRICTED,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [TMP, *(mounts or [])],
    }
    if args:
        found["args"] = args
    if env:
        found["env"] = env
    return found


def pod_spec(
    observed: Observed,
    config: Config,
    *,
    containers: list[dict[str, Any]],
    volumes: list[dict[str, Any]],
    init: list[dict[str, Any]] | None = None,
    pull_secrets: tuple[str, ...] = (),
    security: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The pod spec: no API token, no service links, no restarts, scheduling as object and installation set it."""
    scheduling = observed.spec.scheduling
    names = (
        *(secret.name for secret in config.jobs.image_pull_secrets),
        *(secret.name for secret in scheduling.image_pull_secrets),
        *pull_secrets,
    )
    found: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {"fsGroup": USER, "seccompProfile": {"type": "RuntimeDefault"}} | (security or {}),
        "containers": containers,
        "volumes": volumes,
    }
    optional = {
        "initContainers": init or [],
        "imagePullSecrets": [{"name": name} for name in dict.fromkeys(names)],
        "nodeSelector": dict(scheduling.node_selector) | dict(config.jobs.node_selector),
        "tolerations": [write(toleration) for toleration in scheduling.tolerations],
        "affinity": scheduling.affinity,
        "priorityClassName": scheduling.priority_class_name,
        "runtimeClassName": scheduling.runtime_class_name,
    }
    return found | {key: value for key, value in optional.items() if value}


def _secret(volume: str, name: str, key: str, path: str) -> dict[str, Any]:
    return {
        "name": volume,
        "secret": {"secretName": name, "items": [{"key": key, "path": path}], "defaultMode": 0o440},
    }
