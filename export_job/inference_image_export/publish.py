"""Publishes a graph under its fingerprint, in an order in which a half-done upload is never taken for a result.

<outputPrefix><fingerprint>/pipeline.config              of a checkpoint
<outputPrefix><fingerprint>/saved_model/saved_model.pb   when asked for
<outputPrefix><fingerprint>/model.onnx                   when asked for
<outputPrefix><fingerprint>/frozen_inference_graph.pb    several at a time until here
<outputPrefix><fingerprint>/result.json                  last: what is named there is complete
<outputPrefix>frozen_inference_graph.pb                  a copy, where the tutorial's readers look for it
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
    """Files of this disk that may be published."""

    graph: Path
    tensorflow: str
    """Version of TensorFlow that the graph was verified with, and frozen with if it came from a checkpoint."""
    readable_by: str
    """The oldest TensorFlow that reads the graph, such as `1.7`."""
    memory_bytes: int
    """Peak memory of a process that loaded the graph and ran it on one picture."""
    answers: Mapping[str, Any]
    """What it found in that picture: outputs by name."""
    pipeline_config: Path | None = None
    saved_model: Path | None = None
    onnx: Path | None = None
    greatest_difference: str = ""
    """Of the ONNX model, as in `OnnxModel`."""


def lineage(input_lock: InputLock, reference: InputLockRef) -> dict[str, str]:
    """Metadata of the graph's object: from it one finds the checkpoint, whose files the input lock pins.

    The content hash is that of the image that the graph was first exported for.
    """
    step = {} if input_lock.step is None else {"Checkpoint-Step": str(input_lock.step)}
    return step | {
        "Fingerprint": input_lock.fingerprint,
        "Content-Hash": input_lock.content_hash,
        "Input-Lock": quote(reference.key),
    }


def publish(store: Store, files: Verified, output_prefix: str, fingerprint: str, metadata: Mapping[str, str]) -> Graph:
    """Uploads the graph in all its forms, with its lineage as metadata, and says last that they are complete."""
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
        return there  # measured twice, memory differs a little; a token that forbids overwriting must not fail for that
    store.write(encode(result).encode(), folder + RESULT)
    return result


def copy_to_plain_key(store: Store, output_prefix: str, graph: Graph, metadata: Mapping[str, str]) -> str:
    """Makes the tutorial's key hold this graph, unless it does already.

    A token that forbids overwriting does not fail the export: returned is the key that keeps another graph then,
    empty when it holds this one. Raises StageError of the store.
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
