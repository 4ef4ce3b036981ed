"""buildah and podman with storage and settings of a test's own."""

from pathlib import Path

from devcluster.images import buildah

SETTINGS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
"""podman's default limits exceed those of a root that runs in a container itself."""
STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'


def write(folder: Path) -> dict[str, str]:
    """Writes the settings, and a policy that admits every image; returns the variables that make an engine use them."""
    (folder / "storage.conf").write_text(STORAGE.format(folder))
    (folder / "containers.conf").write_text(SETTINGS)
    home = folder / "home"
    (home / ".config" / "containers").mkdir(parents=True)
    (home / ".config" / "containers" / "policy.json").write_bytes(buildah.POLICY.read_bytes())
    return {
        "HOME": str(home),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }
