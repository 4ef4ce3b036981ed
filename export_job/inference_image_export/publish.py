"""Publishes a graph under its fingerprint, in an order in which a half-done upload is never taken for a result.

<outputPrefix><fingerprint>/pipeline.config              of a checkpoint
<outputPrefix><fingerprint>/saved_model/saved_model.pb   when asked for
<outputPrefix><fingerprint>/model.onnx                   when asked for
<outputPrefix><fingerprint>/frozen_inference_graph.pb
<outputPrefix><fingerprint>/result.json                  last: what is named there is complete
<outputPrefix>frozen_inference_graph.pb                  a copy, where the tutorial's readers look for it
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import asdict

from inference_image_contract.inputs import Graph, Manifest, ManifestRef, OnnxModel, StoredFile, encode
from inference_image_store import RESULT, Store, export_folder

GRAPH = "frozen_inference_graph.pb"
PIPELINE_CONFIG = "pipeline.config"
SAVED_MODEL = "saved_model/saved_model.pb"
ONNX = "model.onnx"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Files of this disk that may be published."""

    graph: Path
    tensorflow: str
    """Version of TensorFlow that the graph was verified with, and frozen with if it came from a checkpoint."""
    pipeline_config: Path | None = None
    saved_model: Path | None = None
    onnx: Path | None = None
    greatest_difference: str = ""
    """Of the ONNX model, as in `OnnxModel`."""


def lineage(manifest: Manifest, reference: ManifestRef) -> dict[str, str]:
    """Metadata of the graph's object: from it one finds the checkpoint, whose files the manifest pins.

    The content hash is that of the image that the graph was first exported for.
    """
    step = {} if manifest.step is None else {"Checkpoint-Step": str(manifest.step)}
    return step | {
        "Fingerprint": manifest.fingerprint,
        "Content-Hash": manifest.content_hash,
        "Manifest": quote(reference.key),
    }


def publish(store: Store, files: Verified, output_prefix: str, fingerprint: str, metadata: Mapping[str, str]) -> Graph:
    """Uploads the graph in all its forms, with its lineage as metadata, and says last that it is complete."""
    folder = export_folder(output_prefix, fingerprint)
    if files.pipeline_config:
        store.upload(files.pipeline_config, folder + PIPELINE_CONFIG)
    saved_model = _upload(store, files.saved_model, folder + SAVED_MODEL, metadata) if files.saved_model else None
    onnx = None
    if files.onnx:
        model = _upload(store, files.onnx, folder + ONNX, metadata)
        onnx = OnnxModel(**asdict(model), greatest_difference=files.greatest_difference)
    graph = _upload(store, files.graph, folder + GRAPH, metadata)
    result = Graph(**asdict(graph), tensorflow=files.tensorflow, saved_model=saved_model, onnx=onnx)
    store.write(encode(result).encode(), folder + RESULT)
    return result


def copy_to_plain_key(store: Store, output_prefix: str, graph: Graph, metadata: Mapping[str, str]) -> None:
    """Makes the tutorial's key hold this graph, unless it does already."""
    key = output_prefix + GRAPH
    there = store.find(key)
    if there is None or there.sha256 != graph.sha256:
        store.copy(graph.key, key, metadata=metadata)


def _upload(store: Store, path: Path, key: str, metadata: Mapping[str, str]) -> StoredFile:
    sha256 = _sha256(path)
    info = store.upload(path, key, sha256=sha256, metadata=metadata)
    return StoredFile(key=info.key, sha256=sha256, size=info.size)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
