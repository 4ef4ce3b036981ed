"""What a pod needs for its source: the ConfigMap, the Git login, and disk space for a download."""

from typing import Any

from inference_image_contract import inputs, paths
from inference_image_operator.api import Spec
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import ContainerResources
from inference_image_operator.jobs.pod import scratch
from inference_image_operator.jobs.sizing.disk import DOWNLOAD
from inference_image_operator.jobs.sizing.resources import with_ephemeral_storage


def volumes(spec: Spec) -> list[dict[str, Any]]:
    """The volumes of the source; none for a prefix of US3."""
    found = []
    if spec.source.config_map:
        found.append(_config_map(spec))
    if spec.source.git and spec.source.git.secret_ref:
        name = spec.source.git.secret_ref.name
        found.append({"name": "git", "secret": {"secretName": name, "defaultMode": 0o440}})
    if _is_fetched(spec):
        found.append(scratch("download", DOWNLOAD))
    return found


def mounts(spec: Spec) -> list[dict[str, Any]]:
    """The mounts of `volumes`."""
    found: list[dict[str, Any]] = []
    if spec.source.config_map:
        found.append({"name": "source", "mountPath": paths.CONFIG_MAP_SOURCE, "readOnly": True})
    if spec.source.git and spec.source.git.secret_ref:
        found.append({"name": "git", "mountPath": paths.GIT_SECRET, "readOnly": True})
    if _is_fetched(spec):
        found.append({"name": "download", "mountPath": paths.DOWNLOAD})
    return found


def resources(spec: Spec, wanted: ContainerResources) -> ContainerResources:
    """The same resources, with disk space for a download."""
    return with_ephemeral_storage(wanted, DOWNLOAD) if _is_fetched(spec) else wanted


def prefix(spec: Spec) -> str:
    """The prefix in US3 (formerly UFile); empty for every other source."""
    return spec.source.ufile.prefix if spec.source.ufile else ""


def archive(spec: Spec) -> str:
    """The key of the archive; empty for every other source."""
    return spec.source.ufile.archive if spec.source.ufile else ""


def git(spec: Spec, config: Config) -> inputs.GitSource | None:
    """The Git repository; None for every other source."""
    source = spec.source.git
    if source is None:
        return None
    return inputs.GitSource(url=source.url, ref=source.ref, path=source.path, allowed_hosts=config.sources.git_hosts)


def base_rewrites(config: Config) -> tuple[inputs.BaseRewrite, ...]:
    """The rewrites of base images, for a Job's input."""
    return tuple(
        inputs.BaseRewrite(prefix=rewrite.prefix, replacement=rewrite.replacement)
        for rewrite in config.sources.base_image_rewrites
    )


def _is_fetched(spec: Spec) -> bool:
    return bool(spec.source.git or archive(spec))


def _config_map(spec: Spec) -> dict[str, Any]:
    source = spec.source.config_map
    if source is None:
        raise ValueError("the source is not a ConfigMap")
    volume: dict[str, Any] = {"name": source.name, "defaultMode": 0o444}
    if source.items:
        volume["items"] = [{"key": item.key, "path": item.path} for item in source.items]
    return {"name": "source", "configMap": volume}
