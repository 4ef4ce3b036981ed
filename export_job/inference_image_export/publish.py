"""Publishes a graph under its fingerprint, in an order such that a partial upload never counts as a result.

<outputPrefix><fingerprint>/pipeline.config              for a checkpoint
<outputPrefix><fingerprint>/saved_model/saved_model.pb   on request
<outputPrefix><fingerprint>/model.onnx                   on request
<outputPrefix><fingerprint>/frozen_inference_graph.pb    up to here in parallel
<outputPrefix><fingerprint>/result.json                  last: everything it names is complete
<outputPrefix>frozen_inference_graph.pb                  a copy at the tutorial's key
"""

from collections.abc import Mapping
from urllib.parse import quote

from msgspec.structs import asdict, replace

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, InputLock, InputLockRef, OnnxModel, StoredFile, encode
from inference_image_contract.reasons import Reason
from inference_image_export.handover import GRAPH, ONNX, SAVED_MODEL, Verified
from inference_image_store import RESULT, ArchivedError, Store, export_folder, found_graph


def provenance(input_lock: InputLock, reference: InputLockRef) -> dict[str, str]:
    """Metadata of the graph's object: it leads to the checkpoint, whose files the input lock pins.

    The inputs hash is that of the first image that the graph was exported for.
    """
    checkpoint = {"Checkpoint-Name": quote(input_lock.checkpoint_name)} if input_lock.checkpoint_name else {}
    if input_lock.step is not None:
        checkpoint = {"Checkpoint-Step": str(input_lock.step)}
    return checkpoint | {
        "Fingerprint": input_lock.fingerprint,
        "Inputs-Hash": input_lock.inputs_hash,
        "Input-Lock": quote(reference.key),
    }


def publish(
    store: Store, verified: Verified, output_prefix: str, fingerprint: str, metadata: Mapping[str, str]
) -> Graph:
    """Uploads the graph in all formats with its provenance as metadata; writes result.json last."""
    folder = export_folder(output_prefix, fingerprint)
    sources = {folder + name: path for name, path in verified.files.items()}
    objects = store.upload_all(sources, folder, metadata=metadata)
    stored = {
        key.removeprefix(folder): StoredFile(key=key, sha256=info.sha256, size=info.size)
        for key, info in objects.items()
    }
    onnx, words = stored.get(ONNX), verified.words
    result = Graph(
        **asdict(stored[GRAPH]),
        tensorflow=words.tensorflow,
        readable_by=words.readable_by,
        memory_bytes=words.memory_bytes,
        saved_model=stored.get(SAVED_MODEL),
        onnx=OnnxModel(**asdict(onnx), greatest_difference=words.greatest_difference) if onnx else None,
    )
    there = found_graph(store, output_prefix, fingerprint)
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
