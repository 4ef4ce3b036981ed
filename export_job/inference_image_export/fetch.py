"""Downloads the pinned inputs: the checkpoint's files and the pipeline config, or an imported graph; the label map."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import InputLock, PinnedObject
from inference_image_contract.reasons import Reason
from inference_image_store import Store, Wanted

_INDEX_SUFFIX = ".index"

_CHANGES = {
    Reason.OBJECT_NOT_FOUND: " any more: it existed when it was resolved.",
    Reason.OBJECT_ARCHIVED: ": it was readable when it was resolved.",
}
"""Changes of a pinned object, and the ends of their messages."""


@dataclass(frozen=True)
class Source:
    """The inputs of an export on this disk, and their keys for messages."""

    checkpoint_prefix: Path
    """The checkpoint prefix: the common part of its file names."""
    checkpoint_key: str
    pipeline_config: Path
    pipeline_config_key: str
    files: tuple[Path, ...]


def fetch(store: Store, input_lock: InputLock, folder: Path) -> None:
    """Downloads the imported graph, or the pinned checkpoint and pipeline config, into `folder`.

    Raises StageError (`SourceChanged`) when one has changed or is gone.
    """
    folder.mkdir(parents=True)
    if input_lock.frozen_graph:
        _download(store, [(input_lock.frozen_graph, imported(folder))])
        return
    source = of_checkpoint(input_lock, folder)
    pins = (*input_lock.checkpoint, input_lock.pipeline_config)
    _download(store, [(pin, path) for pin, path in zip(pins, source.files, strict=True) if pin])


def of_checkpoint(input_lock: InputLock, folder: Path) -> Source:
    """Where `fetch` puts a checkpoint and its config.

    Raises StageError (`InvalidInput`) for an input lock of another version.
    """
    if input_lock.pipeline_config is None:
        raise _other_version("no pipeline config")
    index = next((item.key for item in input_lock.checkpoint if item.key.endswith(_INDEX_SUFFIX)), "")
    if not index:
        raise _other_version("no index file of a checkpoint")
    prefix = index.removesuffix(_INDEX_SUFFIX)
    config = folder / "pipeline.config"
    return Source(
        checkpoint_prefix=folder / prefix.rpartition("/")[2],
        checkpoint_key=prefix,
        pipeline_config=config,
        pipeline_config_key=input_lock.pipeline_config.key,
        files=(*(folder / _name(item) for item in input_lock.checkpoint), config),
    )


def imported(folder: Path) -> Path:
    """Where `fetch` puts an imported graph."""
    return folder / "frozen_inference_graph.pb"


def fetch_label_map(store: Store, input_lock: InputLock, folder: Path) -> None:
    """Downloads the pinned label map into `folder`.

    Raises StageError (`SourceChanged`) when it has changed or is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _download(store, [(input_lock.label_map, label_map(folder))])


def label_map(folder: Path) -> Path:
    """Where `fetch_label_map` puts the label map."""
    return folder / "label_map.pbtxt"


def _name(item: PinnedObject) -> str:
    return item.key.rpartition("/")[2]


def _download(store: Store, pinned: Iterable[tuple[PinnedObject, Path]]) -> None:
    wanted = [Wanted(item.key, target, item.etag, item.size) for item, target in pinned]
    try:
        store.download_all(wanted)
    except StageError as error:
        if error.reason not in _CHANGES:
            raise
        raise StageError(
            Reason.SOURCE_CHANGED,
            f"{error.message.removesuffix('.')}{_CHANGES[error.reason]}",
            "Nothing to do while the training continues: the operator resolves again. Else upload the object again.",
        ) from error


def _other_version(lack: str) -> StageError:
    return StageError(
        Reason.INVALID_INPUT,
        f"The input lock contains {lack}.",
        "The images of the steps have different versions: install them from one chart.",
    )
