"""Removes tags and keeps their images. Today's registries only delete a manifest together with all its tags.

So the tags are first moved to an empty image, and that image is deleted. Code that reads such a tag in between
recognizes the empty image by its digest.
"""

import hashlib
import json
import time
from collections.abc import Collection

from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import MANIFEST_TYPES, Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError

_LAYER = bytes.fromhex("1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000")
"""An empty tar archive, compressed; a constant, because other zlib releases may write other bytes."""
_DIFF_ID = f"sha256:{hashlib.sha256(bytes(1024)).hexdigest()}"
_CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Labels": {"uai.ucloud.cn/removed": "The tag of this image is about to be removed."}},
        "rootfs": {"type": "layers", "diff_ids": [_DIFF_ID]},
    },
    sort_keys=True,
).encode()


def _descriptor(data: bytes) -> Descriptor:
    return Descriptor(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def _empty_image() -> Manifest:
    config, layer = _descriptor(_CONFIG), _descriptor(_LAYER)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPES[1],
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **config._asdict()},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", **layer._asdict()}],
    }
    return Manifest(json.dumps(document, sort_keys=True).encode(), MANIFEST_TYPES[1])


EMPTY_IMAGE = _empty_image()
"""The image that a tag points to while the tag is removed."""


def untag(registry: Registry, repository: ImageReference, tags: Collection[str], until: float) -> tuple[int, str]:
    """How many tags were removed, and why the registry refuses to delete; empty if it does not.

    Stops at `until`, a time of `time.monotonic`. Moves no tag before the registry has proven that it deletes. Raises
    StageError as `Registry.put_manifest`; tags that were moved until then are removed.
    """
    if not tags:
        return 0, ""
    for data in (_CONFIG, _LAYER):
        registry.push_blob(repository, _descriptor(data), lambda data=data: iter((data,)))  # type: ignore[misc]
    registry.put_manifest(repository, EMPTY_IMAGE.digest, EMPTY_IMAGE)
    if refused := registry.delete(repository, EMPTY_IMAGE.digest):
        return 0, refused
    moved = 0
    try:
        for tag in tags:
            if time.monotonic() >= until:
                break
            registry.put_manifest(repository, tag, EMPTY_IMAGE)
            moved += 1
    except StageError:
        registry.delete(repository, EMPTY_IMAGE.digest)
        raise
    return (0, refused) if (refused := registry.delete(repository, EMPTY_IMAGE.digest)) else (moved, "")
