"""Results that Jobs pass to each other through the object store, verified before use.

`<outputPrefix>resolved/...`                  the input lock of a run, written by `resolve`
`<outputPrefix><fingerprint>/result.json`     written last: the export of this fingerprint is complete
"""

import hashlib
from pathlib import Path

from inference_image_contract import untrusted_json
from inference_image_contract.content import file_sha256, result_sha256
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, InputLock, InputLockRef, StoredFile
from inference_image_contract.reasons import Reason
from inference_image_store.client.store import Store

MAX_MANIFEST = 8 * 1024**2
"""Room for 2,000 files with keys of 1,023 bytes."""
_MAX_RESULT = 64 * 1024
RESULT = "result.json"


def export_folder(output_prefix: str, fingerprint: str) -> str:
    """The key prefix of everything exported under this fingerprint (`sha256:<hex>`)."""
    return f"{output_prefix}{fingerprint.removeprefix('sha256:')}/"


def exported_graph(store: Store, output_prefix: str, fingerprint: str, sha256: str) -> Graph | None:
    """The graph of this fingerprint whose result.json has this hex SHA-256; None unless every form of it is complete.

    Whoever may write the bucket can write a result.json. The SHA-256 comes from the operator's own record.
    """
    graph = found_graph(store, output_prefix, fingerprint)
    return graph if graph and result_sha256(graph) == sha256 else None


def found_graph(store: Store, output_prefix: str, fingerprint: str) -> Graph | None:
    """What the bucket says is the graph of this fingerprint, whoever wrote it; None unless every form is complete."""
    key = export_folder(output_prefix, fingerprint) + RESULT
    if store.find(key) is None:
        return None
    try:
        graph = untrusted_json.read(store.read(key, max_bytes=_MAX_RESULT), Graph, max_bytes=_MAX_RESULT)
    except ValueError:
        return None
    forms = (graph, graph.saved_model, graph.onnx)
    return graph if all(_stands(store, form) for form in forms if form is not None) else None


def fetch_result(store: Store, stored: StoredFile, target: Path) -> None:
    """Downloads a verified file of the export to `target`. Raises StageError: `ObjectCorrupt`, or the store's."""
    digest = store.download(stored.key, target, size=stored.size).sha256 or file_sha256(target)
    if digest != stored.sha256:
        raise StageError(
            Reason.OBJECT_CORRUPT,
            f"The export's result {stored.key} has SHA-256 {digest}; the verified one is {stored.sha256}.",
            "Let nothing else write below spec.export.outputPrefix. Delete the object so that it is exported again.",
        )


def read_input_lock(store: Store, reference: InputLockRef) -> InputLock:
    """The input lock, verified by its SHA-256.

    Raises StageError: `SourceChanged` when it is missing or replaced, `InvalidInput` for another version.
    """
    if store.find(reference.key) is None:
        raise _changed(reference, "is gone")
    data = store.read(reference.key, max_bytes=MAX_MANIFEST)
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise _changed(reference, "was overwritten")
    try:
        return untrusted_json.read(data, InputLock, max_bytes=MAX_MANIFEST)
    except ValueError as error:
        raise StageError(
            Reason.INVALID_INPUT,
            f"The input lock {reference.key} has another version: {error}.",
            "The images of the steps have different versions: install them from one chart.",
        ) from error


def _stands(store: Store, form: StoredFile) -> bool:
    there = store.find(form.key)
    return there is not None and (there.size, there.sha256) == (form.size, form.sha256)


def _changed(reference: InputLockRef, what: str) -> StageError:
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The input lock {reference.key} {what}.",
        "Nothing to do: the operator resolves again. Let nothing else write below spec.export.outputPrefix.",
    )
