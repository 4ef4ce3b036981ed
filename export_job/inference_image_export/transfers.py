"""The steps with the keys of US3: `download` before a graph runs, `upload` after it, and `sample` before `answer`.

They run no graph. docs/decisions/0020 says why they are containers of their own.
"""

import shutil
from pathlib import Path

import msgspec

from inference_image_contract import paths
from inference_image_contract import sample as builtin
from inference_image_contract.inputs import AnswerInput, ExportInput, InputLock
from inference_image_contract.results import Exported, HandedOn
from inference_image_export import fetch, handover, publish
from inference_image_store import Store, fetch_result, read_input_lock

INPUT_LOCK, INPUT, OUTPUT = "input-lock.json", "input", "output"
PICTURE, GRAPH = Path(paths.PICTURE).name, "graph.pb"

_DEAD = 7 * 24 * 3600.0
"""Seconds after which no Job can still be uploading below its output prefix."""


def download(stage: ExportInput, store: Store, folder: Path) -> HandedOn:
    """Leaves the input lock and what it pins in `folder`. Removes what an earlier start of the pod left there.

    Raises StageError: `SourceChanged`, and those of the store.
    """
    input_lock = read_input_lock(store, stage.input_lock)
    store.abort_stale_uploads(stage.output_prefix, _DEAD)
    shutil.rmtree(folder, ignore_errors=True)
    fetch.fetch(store, input_lock, folder / INPUT)
    write_input_lock(input_lock, folder)
    return handed_on(folder)


def upload(stage: ExportInput, store: Store, folder: Path) -> Exported:
    """Publishes what `export` left in `folder`, in every requested format, and believes only that these are its files.

    Idempotent: writes only what US3 does not have. Raises StageError: `GraphInvalid`, `SourceChanged`, and those of the
    store.
    """
    input_lock = read_input_lock(store, stage.input_lock)
    verified = handover.take(folder / OUTPUT, _names(stage, input_lock))
    metadata = publish.provenance(input_lock, stage.input_lock)
    graph = publish.publish(store, verified, stage.output_prefix, input_lock.fingerprint, metadata)
    kept = publish.copy_to_plain_key(store, stage.output_prefix, graph, metadata)
    return Exported(graph=graph, not_overwritten=kept)


def sample(stage: AnswerInput, store: Store, folder: Path) -> HandedOn:
    """Leaves the graph, the picture, the label map and the input lock for `answer` in `folder`.

    Raises StageError: `SourceChanged`, `ObjectCorrupt`, and those of the store.
    """
    input_lock = read_input_lock(store, stage.input_lock)
    shutil.rmtree(folder, ignore_errors=True)
    fetch.fetch_label_map(store, input_lock, folder)
    (folder / PICTURE).write_bytes(_picture(stage, store))
    fetch_result(store, stage.graph, folder / GRAPH)
    write_input_lock(input_lock, folder)
    return handed_on(folder)


def _picture(stage: AnswerInput, store: Store) -> bytes:
    if not stage.sample:
        return builtin.png()
    return store.read(stage.sample, max_bytes=builtin.MAX_BYTES, etag=stage.sample_etag)


def write_input_lock(input_lock: InputLock, folder: Path) -> None:
    """Leaves the input lock in `folder`."""
    (folder / INPUT_LOCK).write_bytes(msgspec.json.encode(input_lock))


def read_handed_lock(folder: Path) -> InputLock:
    """The input lock that `write_input_lock` left."""
    return msgspec.json.decode((folder / INPUT_LOCK).read_bytes(), type=InputLock)


def handed_on(folder: Path) -> HandedOn:
    """Number and size of the files below `folder`."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return HandedOn(files=len(sizes), size=sum(sizes))


def _names(stage: ExportInput, input_lock: InputLock) -> list[str]:
    asked = {
        handover.PIPELINE_CONFIG: input_lock.frozen_graph is None,
        handover.SAVED_MODEL: "SavedModel" in stage.formats,
        handover.ONNX: "ONNX" in stage.formats,
        handover.GRAPH: True,
    }
    return [name for name, wanted in asked.items() if wanted]
