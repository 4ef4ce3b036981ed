"""Runs buildah with separate storage, so that the machine's storage stays unchanged."""

from pathlib import Path

from devcluster import settings
from devcluster.lib.run import CommandError, run

POLICY = settings.CONFIG / "containers" / "policy.json"
COMPRESSION_LEVEL = 4
"""gzip; one level for every image, so that equal layers become equal blobs."""


def run_buildah(command: str, *arguments: str) -> str:
    """Runs one buildah command and returns what it prints."""
    storage = [f"--root={_storage() / 'root'}", f"--runroot={_storage() / 'run'}", "--storage-driver=overlay"]
    policy = [f"--signature-policy={POLICY}"] if command in {"build", "push"} else []
    return run(["buildah", *storage, command, *policy, *arguments])


def load(layout: Path) -> str:
    """Loads a layout's image into the storage unless it is there; returns its name."""
    name = f"localhost/{layout.name}:latest"
    try:
        run_buildah("inspect", "--type=image", name)
    except CommandError:
        store = f"containers-storage:[overlay@{_storage() / 'root'}+{_storage() / 'run'}]{name}"
        run(["skopeo", f"--policy={POLICY}", "copy", "--quiet", f"oci:{layout}", store])
    return name


def export(name: str, layout: Path) -> None:
    """Writes an image from the storage as an OCI layout with compressed layers."""
    compression = ("--compression-format=gzip", f"--compression-level={COMPRESSION_LEVEL}")
    run_buildah("push", *compression, name, f"oci:{layout}:latest")


def remove_all() -> None:
    """Removes every image and layer of the storage, and what killed builds left. No build may run meanwhile."""
    run_buildah("rm", "--all")
    run_buildah("rmi", "--all", "--force")


def _storage() -> Path:
    return settings.cache() / "buildah"
