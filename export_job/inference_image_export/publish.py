"""Publishes a graph under its fingerprint, in an order such that a partial upload never counts as a result.

<outputPrefix><fingerprint>/pipeline.config              for a checkpoint
<outputPrefix><fingerprint>/saved_model/saved_model.pb   on request
<outputPrefix><fingerprint>/model.onnx                   on request
<outputPrefix><fingerprint>/frozen_inference_graph.pb    up to here in parallel
<outputPrefix><fingerprint>/result.json                  last: everything it names is complete
<outputPrefix>frozen_inference_graph.pb                  a copy at the tutorial's key
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec.structs import asdict, replace

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, InputLock, InputLockRef, OnnxModel, StoredFile, encode
from inference_image_contract.reasons import Reason
from inference_image_store import RESULT, ArchivedError, Store, export_folder, exported_graph

GRAPH = "frozen_inference_graph.pb"
PIPELINE_CONFIG = "pipeline.config"
SAVED_MODEL = "saved_model/saved_model.pb"
ONNX = "model.onnx"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Verified files, ready to publish."""

    graph: Path
    tensorflow: str
    """Version of TensorFlow that verified the graph, and froze it if it came from a checkpoint."""
    readable_by: str
    """The oldest TensorFlow that reads the graph, such as `1.7`."""
    memory_bytes: int
    """Peak memory of a process that loaded the graph and ran it on one picture."""
    answers: Mapping[str, Any]
    """Its outputs for that picture by name."""
    pipeline_config: Path | None = None
    saved_model: Path | None = None
    onnx: Path | None = None
    greatest_difference: str = ""
    """The difference of the ONNX model, as in `OnnxModel`."""


def provenance(input_lock: InputLock, reference: InputLockRef) -> dict[str, str]:
    """Metadata of the graph's object: it leads to the checkpoint, whose files the input lock pins.

    The content hash is that of the first image that the graph was exported for.
    """
    checkpoint = {"Checkpoint-Name": quote(input_lock.checkpoint_name)} if input_lock.checkpoint_name else {}
    if input_lock.step is not None:
        checkpoint = {"Checkpoint-Step": str(input_lock.step)}
    return checkpoint | {
        "Fingerprint": input_lock.fingerprint,
        "Content-Hash": input_lock.content_hash,
        "Input-Lock": quote(reference.key),
    }


def publish(store: Store, files: Verified, output_prefix: str, fingerprint: str, metadata: Mapping[str, str]) -> Graph:
    """Uploads the graph in all formats with its provenance as metadata; writes result.json last."""
    folder = export_folder(output_prefix, fingerprint)
    forms = {
        PIPELINE_CONFIG: files.pipeline_config,
        SAVED_MODEL: files.saved_model,
        ONNX: files.onnx,
        GRAPH: files.graph,
    }
    sources = {folder + name: path for name, path in forms.items() if path}
    objects = store.upload_all(sources, folder, metadata=metadata)
    stored = {
        key.removeprefix(folder): StoredFile(key=key, sha256=info.sha256, size=info.size)
        for key, info in objects.items()
    }
    onnx = stored.get(ONNX)
    result = Graph(
        **asdict(stored[GRAPH]),
        tensorflow=files.tensorflow,
        readable_by=files.readable_by,
        memory_bytes=files.memory_bytes,
        saved_model=stored.get(SAVED_MODEL),
        onnx=OnnxModel(**asdict(onnx), greatest_difference=files.greatest_difference) if onnx else None,
    )
    there = exported_graph(store, output_prefix, fingerprint)
    if there and replace(there, memory_bytes=result.memory_bytes) == result:
        return there  # memory measurements differ slightly; that must not fail a token that forbids overwriting
    store.write(encode(result).encode(), folder + RESULT)
    return result


def copy_to_plain_key(store: Store, output_prefix: str, graph: Graph, metadata: Mapping[str, str]) -> str:
    """Copies this graph to the tutorial's key unless it is there already.

    A token that forbids overwriting does not fail the export. Returns the key if it keeps another graph, an empty text
    if it has this one. Raises StageError of the store.
    """
    key = output_prefix + GRAPH
    try:
        there = store.find(key)
    except ArchivedError:
        there = None
    if there is not None and there.sha256 == graph.sha256:
        return ""
    try:
        store.copy(graph.key, key, metadata=metadata)
    except StageError as error:
        if error.reason is not Reason.OVERWRITE_FORBIDDEN:
            raise
        return key
    return ""
