"""Manifests of images and indexes: their exact bytes and their content. Pure.

Formats: https://github.com/opencontainers/image-spec.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from inference_image_build.dockerfile.platforms import PLATFORM
from inference_image_build.registry import replies
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.references import ImageReference
from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker.distribution"
INDEX_TYPES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.manifest.list.v2+json")
MANIFEST_TYPES = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.manifest.v2+json")
_ANY_TYPES = frozenset({"application/json", "application/octet-stream", "binary/octet-stream", "text/plain"})


class Manifest(NamedTuple):
    """A manifest or an index, byte for byte as the registry serves it."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the bytes."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


def media_type(header: str, data: bytes) -> str:
    """The type of a manifest: that of the header `Content-Type`, or else the one in the manifest.

    A storage that a registry redirects to may not know the type.
    """
    known = (*INDEX_TYPES, *MANIFEST_TYPES)
    found = header.partition(";")[0].strip()
    if found.lower() in known:
        return found.lower()
    content = replies.document(data)
    if isinstance(content, dict):
        written = content.get("mediaType")
        if written in known:
            return str(written)
        if not found or found in _ANY_TYPES:
            return INDEX_TYPES[0] if "manifests" in content else MANIFEST_TYPES[0]
    return found or MANIFEST_TYPES[0]


def document(image: ImageReference, manifest: Manifest) -> dict[str, object]:
    """The manifest as JSON. Raises StageError (`DigestInvalid`) when it is not a JSON object."""
    found = replies.document(manifest.data)
    if isinstance(found, dict):
        return found
    raise not_an_image(image, manifest.digest)


def not_an_image(image: ImageReference, digest: str) -> StageError:
    """What the registry serves is malformed."""
    return StageError(
        Reason.DIGEST_INVALID,
        f"The registry serves {image.pinned(digest)}, which is not an image manifest.",
        "Check the image reference.",
    )


def amd64(index: dict[str, object]) -> str:
    """The digest of the linux/amd64 entry of an index, the platform of every build; empty without one.

    An entry without a platform counts, as for Kaniko: its image says what it is for.
    """
    digest = next((entry.get("digest") for entry, of in _entries(index) if platform(of) in {PLATFORM, ""}), None)
    return digest if isinstance(digest, str) and DIGEST.fullmatch(digest) else ""


def platforms(index: dict[str, object]) -> list[str]:
    """The platforms that an index names, without `unknown/unknown`, which attestations have."""
    return sorted({name for _, of in _entries(index) if (name := platform(of)) and "unknown" not in name})


def platform(described: Mapping[str, object]) -> str:
    """`os/architecture` of the `platform` of an index's entry, or of a configuration; empty without them."""
    named = [described.get("os"), described.get("architecture")]
    return "/".join(map(str, named)) if all(named) else ""


def _entries(index: dict[str, object]) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Each entry of an index with its platform, which is empty if it has none."""
    entries = index.get("manifests")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            of = entry.get("platform")
            yield entry, of if isinstance(of, dict) else {}


def descriptors(manifest: dict[str, object]) -> Iterator[Descriptor]:
    """Configuration and layers of an image manifest; those without a size are left out."""
    return _blobs([manifest.get("config"), *_layers(manifest)])


def layers(manifest: dict[str, object]) -> list[Descriptor]:
    """The layers, the lowest first; those without a size are left out."""
    return list(_blobs(_layers(manifest)))


def _layers(manifest: dict[str, object]) -> list[object]:
    found = manifest.get("layers")
    return found if isinstance(found, list) else []


def _blobs(entries: list[object]) -> Iterator[Descriptor]:
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("size"), int) and entry["size"] > 0:
            yield Descriptor(str(entry.get("digest", "")), entry["size"])
