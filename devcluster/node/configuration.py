"""The configuration files that differ by Kubernetes version: those of config/ with the patches of `versions`."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from devcluster import settings, versions

FILES = ("kubelet.yaml", "kube-proxy.yaml")


def merge_patch(target: object, patch: Mapping[str, object]) -> dict[str, object]:
    """`target` with a JSON merge patch (RFC 7386) applied: None removes a key, mappings merge, other values replace."""
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value) if isinstance(value, Mapping) else value
    return merged


def document(name: str, version: versions.Version) -> dict[str, object]:
    """One of `FILES` for this version."""
    patch = {"kubelet.yaml": version.kubelet, "kube-proxy.yaml": version.kube_proxy}[name]
    return merge_patch(yaml.safe_load((settings.CONFIG / name).read_text()), patch)


def write(directory: Path, version: versions.Version) -> None:
    """Writes all of `FILES`."""
    for name in FILES:
        (directory / name).write_text(yaml.safe_dump(document(name, version)))
