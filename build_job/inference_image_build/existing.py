"""Looks for results of the same content: a graph in UFile, an image in the registry."""

import msgspec

from inference_image_build.hashes import hex_of
from inference_image_build.references import ImageReference
from inference_image_build.registry import Registry
from inference_image_contract.inputs import Graph
from inference_image_contract.results import Built
from inference_image_store import Store

_MAX_RESULT = 64 * 1024


def result_key(output_prefix: str, fingerprint: str) -> str:
    """Where the export says, last of all, that it is complete."""
    return f"{output_prefix}{hex_of(fingerprint)}/result.json"


def content_tag(content_hash: str) -> str:
    """The tag under which the image of this content is pushed, before any test."""
    return f"content-{hex_of(content_hash)}"


def graph(store: Store, output_prefix: str, fingerprint: str) -> Graph | None:
    """The graph of this fingerprint, None unless it is there with the size and SHA-256 that were verified."""
    key = result_key(output_prefix, fingerprint)
    if store.find(key) is None:
        return None
    try:
        result = msgspec.json.decode(store.read(key, max_bytes=_MAX_RESULT), type=Graph)
    except msgspec.DecodeError:
        return None
    there = store.find(result.key)
    if there is None or (there.size, there.sha256) != (result.size, result.sha256):
        return None
    return result


def image(registry: Registry, repository: ImageReference, content_hash: str) -> Built | None:
    """The image of this content, None when the registry does not serve it."""
    manifest = registry.manifest(repository, content_tag(content_hash))
    if manifest is None:
        return None
    return Built(digest=manifest.digest, size=registry.size(repository, manifest))
