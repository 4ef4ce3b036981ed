"""Makes the configuration and the manifest of an image from its base and the layers on top. Pure.

Formats: https://github.com/opencontainers/image-spec. The manifest keeps the media types of the base, as Kaniko does.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from inference_image_build.append.config import Config
from inference_image_build.append.layer import Layer

EPOCH = "1970-01-01T00:00:00Z"
"""The time of every entry: equal content has the same digest on any day."""
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TYPES = {
    OCI_MANIFEST: (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    ),
    DOCKER_MANIFEST: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
}
_DROPPED = ("container", "container_config", "docker_version")
"""Fields of a base's configuration that describe the machine that built it."""

Document = dict[str, Any]


class Base(NamedTuple):
    """The base image, parsed; empty for `scratch`."""

    media_type: str
    manifest: Document
    config: Document

    @property
    def settings(self) -> Config:
        """The object `config`, which the instructions change."""
        return self.config.get("config") or {}

    @property
    def layers(self) -> list[Document]:
        """The descriptors of its layers."""
        return self.manifest.get("layers") or []


class Image(NamedTuple):
    """A finished image: two documents, byte for byte."""

    media_type: str
    manifest: bytes
    config: bytes
    config_digest: str


SCRATCH = Base(DOCKER_MANIFEST, {}, {"architecture": "amd64", "os": "linux"})


def on_top(base: Base, settings: Config, layers: Sequence[tuple[str, Layer | None]], author: str = "") -> Image:
    """The base image plus these layers. Each has a history line; None is a history line without a layer."""
    config_type, layer_type = _TYPES[base.media_type]
    added = [layer for _, layer in layers if layer]
    config = _encoded(_config(base, settings, layers) | ({"author": author} if author else {}))
    manifest = {
        "schemaVersion": 2,
        "mediaType": base.media_type,
        "config": {"mediaType": config_type, "size": len(config), "digest": sha256(config)},
        "layers": [
            *base.layers,
            *({"mediaType": layer_type, "size": layer.size, "digest": layer.digest} for layer in added),
        ],
    }
    if annotations := base.manifest.get("annotations"):
        manifest["annotations"] = annotations
    return Image(base.media_type, _encoded(manifest), config, sha256(config))


def sha256(data: bytes) -> str:
    """`sha256:<hex>` of the bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _config(base: Base, settings: Config, layers: Sequence[tuple[str, Layer | None]]) -> Document:
    found = {key: value for key, value in base.config.items() if key not in _DROPPED}
    below = (base.config.get("rootfs") or {}).get("diff_ids") or []
    found |= {
        "created": EPOCH,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [*below, *(layer.diff_id for _, layer in layers if layer)]},
    }
    history = base.config.get("history") or []
    if len([line for line in history if not line.get("empty_layer")]) == len(below):
        found["history"] = [*history, *(_line(text, layer) for text, layer in layers)]
    else:  # some tools reject a history that does not match the layers; all accept none
        found.pop("history", None)
    return found


def _line(created_by: str, layer: Layer | None) -> Document:
    return {"created": EPOCH, "created_by": created_by} | ({} if layer else {"empty_layer": True})


def _encoded(document: Document) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
