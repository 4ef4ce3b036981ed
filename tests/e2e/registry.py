"""Reads images of the development cluster's registry with skopeo."""

import json
import tempfile
from pathlib import Path

from devcluster.certs import credentials
from devcluster.images import buildah
from devcluster.lib.run import CommandError
from devcluster.node import inside
from tests.support.flat_image import Flat


def served(reference: str) -> bool:
    """Whether the image exists."""
    try:
        _skopeo("inspect", "", "--raw", f"docker://{reference}")
    except CommandError as error:
        if "manifest unknown" not in str(error):
            raise
        return False
    return True


def digest(reference: str) -> str:
    """The digest that a tag points to."""
    found: str = json.loads(_skopeo("inspect", "", "--no-tags", f"docker://{reference}"))["Digest"]
    return found


def layers(reference: str) -> list[str]:
    """The digests of an image's layers."""
    manifest = json.loads(_skopeo("inspect", "", "--raw", f"docker://{reference}"))
    return [layer["digest"] for layer in manifest["layers"]]


def fetch(reference: str, folder: Path) -> None:
    """Downloads an image to a folder: its manifest, and each blob under its digest."""
    _skopeo("copy", "src-", "--quiet", f"docker://{reference}", f"dir:{folder}")


def pulled(reference: str, leave_out: tuple[str, ...] = ()) -> Flat:
    """An image; `leave_out` are digests of layers that are not unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        fetch(reference, Path(folder))
        manifest = json.loads(Path(folder, "manifest.json").read_text())
        return Flat(manifest, lambda digest: Path(folder, digest.removeprefix("sha256:")).open("rb"), leave_out)


def copy(source: str, target: str) -> None:
    """Copies the image `source` to `target`."""
    with tempfile.TemporaryDirectory() as folder:
        fetch(source, Path(folder))
        _skopeo("copy", "dest-", "--quiet", "--preserve-digests", f"dir:{folder}", f"docker://{target}")


def _skopeo(command: str, side: str, *arguments: str) -> str:
    login = (f"--{side}authfile={credentials.docker_config()}", f"--{side}cert-dir={credentials.trust_directory()}")
    return inside.run_inside(["skopeo", f"--policy={buildah.POLICY}", command, *login, *arguments])
