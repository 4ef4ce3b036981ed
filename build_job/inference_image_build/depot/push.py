"""Push: uploads the image that Kaniko left in the depot.

Its manifest is the output of an untrusted program. It may only name what is in the depot: with this login, a blob that
is only in the registry could be one of another repository, which the Dockerfile's author may not read.
"""

import sys
from collections.abc import Collection
from functools import partial

from inference_image_build.depot import store
from inference_image_build.depot.store import Depot
from inference_image_build.registry import manifests, references, replies
from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import Manifest
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ReportInput
from inference_image_contract.progress import Meter, What
from inference_image_contract.reasons import Reason

_MAX_BLOBS = 1024
"""A runtime mounts at most 128 layers or so."""


def push(request: ReportInput, registry: Registry, depot: Depot) -> str:
    """Pushes the built image under the content tag; returns its digest.

    A blob that the registry has, in this repository or one that it knows of, is not sent again.

    Raises StageError: `BuildFailed` if the depot has no such image; those of the registry.
    """
    manifest = depot.built()
    if manifest is None:
        raise _malformed("Kaniko ended without an image.")
    target = references.parse_repository(request.registry.repository)
    known = [references.parse_repository(text) for text in (*depot.sources(), *request.known_repositories)]
    blobs = _blobs(manifest, depot)
    meter = Meter(What.PUSH, sum(blob.size for blob in blobs))
    for blob in blobs:
        path, before = depot.blob(blob.digest), meter.done
        content = meter.counting(partial(store.pieces, path)) if path else None
        sent = registry.push_blob(target, blob, content, known) if content else 0
        meter.at(before + blob.size)
        print(f"{'pushed' if sent else 'the registry already has'} {blob.digest} ({blob.size} bytes)", file=sys.stderr)
    registry.put_manifest(target, request.content_tag, manifest)
    return manifest.digest


def _blobs(manifest: Manifest, depot: Depot) -> Collection[Descriptor]:
    """What the image consists of, each with the size that the depot has. Raises StageError (`BuildFailed`)."""
    document = replies.document(manifest.data)
    if manifest.media_type not in manifests.MANIFEST_TYPES or not isinstance(document, dict):
        raise _malformed(f"Kaniko made {manifest.media_type[:100]!r}, which is no image.")
    entries = document.get("layers")
    named = [document.get("config"), *(entries if isinstance(entries, list) else ())]
    if len(named) > _MAX_BLOBS:
        raise _malformed(f"Kaniko made an image of {len(named)} layers, more than {_MAX_BLOBS}.")
    found = dict[str, Descriptor]()
    for entry in named:
        digest, size = (entry.get("digest"), entry.get("size")) if isinstance(entry, dict) else (None, None)
        path = depot.blob(digest) if isinstance(digest, str) else None
        if not isinstance(digest, str) or path is None or path.stat().st_size != size:
            raise _malformed(f"Kaniko's image names the layer {str(digest)[:80]}, which is not in the depot.")
        found[digest] = Descriptor(digest, path.stat().st_size)
    return found.values()


def _malformed(message: str) -> StageError:
    return StageError(
        Reason.BUILD_FAILED, message, "Read the log of the container kaniko: a RUN instruction may have stopped it."
    )
