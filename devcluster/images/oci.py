"""Writes files as container images in OCI layouts: deterministic, without a builder (OCI image-spec 1.0)."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devcluster.lib.run import run

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
EPOCH = "1970-01-01T00:00:00Z"


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def layer_of(files: Mapping[str, Path]) -> bytes:
    """An uncompressed tar of programs: path in the image -> file. Owner root, mode 755, time 0."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, path in sorted(files.items()):
            member = tarfile.TarInfo(name.lstrip("/"))
            member.size, member.mode = path.stat().st_size, 0o755
            with path.open("rb") as file:
                archive.addfile(member, file)
    return buffer.getvalue()


def write_layout(target: Path, name: str, layer: bytes, config: Mapping[str, Any]) -> None:
    """Writes an image with one layer as an OCI layout directory; an import gives it the name `name`."""
    compressed = gzip.compress(layer, compresslevel=1, mtime=0)
    image = {
        "created": EPOCH,
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": EPOCH}],
    }
    image_bytes = json.dumps(image, sort_keys=True).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, image_bytes),
        "layers": [_descriptor(LAYER_TYPE, compressed)],
    }
    manifest_bytes = json.dumps(manifest, sort_keys=True).encode()
    known_as = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = {"schemaVersion": 2, "manifests": [_descriptor(MANIFEST_TYPE, manifest_bytes) | {"annotations": known_as}]}
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for data in (compressed, image_bytes, manifest_bytes):
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
    (target / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (target / "index.json").write_text(json.dumps(index))


def unpack(layout: Path, target: Path) -> None:
    """Writes the root file system of an image into a new directory, with file owners. Needs root.

    Raises ValueError for an opaque whiteout, which our builders never write (OCI image-spec 1.0, layer.md).
    """
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((blobs / digest(layout).removeprefix("sha256:")).read_bytes())
    target.mkdir()
    for layer in manifest["layers"]:
        blob = blobs / layer["digest"].removeprefix("sha256:")
        options = ("--extract", "--verbose", "--gzip", "--numeric-owner")
        for name in run(["tar", *options, "--file", blob, "--directory", target]).splitlines():
            if Path(name).name.startswith(_WHITEOUT):
                _apply_whiteout(target / name)


def _apply_whiteout(marker: Path) -> None:
    """Removes the file that a whiteout deletes, and the whiteout itself."""
    if marker.name == _OPAQUE:
        raise ValueError(f"{marker.parent} hides what lies below it.")
    run(["rm", "-rf", marker, marker.with_name(marker.name.removeprefix(_WHITEOUT))])


def archive(layout: Path, target: Path) -> None:
    """Packs a layout directory as a tar for `ctr images import`."""
    with tarfile.open(target, "w") as tar:
        for entry in sorted(layout.iterdir()):
            tar.add(entry, arcname=entry.name)


def digest(layout: Path) -> str:
    """The digest of a layout's only image; a push keeps it."""
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    if len(manifests) != 1:
        raise ValueError(f"{layout} contains {len(manifests)} images instead of one. Delete it.")
    return str(manifests[0]["digest"])
