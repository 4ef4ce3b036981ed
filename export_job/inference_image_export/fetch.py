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


def fetch(store: Store, input_lock: InputLock, folder: Path) -> Source:
    """Downloads the pinned checkpoint and pipeline config into `folder`.

    Raises StageError (`SourceChanged`) when one has changed or is gone.
    """
    if input_lock.pipeline_config is None:
        raise _other_version("no pipeline config")
    folder.mkdir(parents=True)
    needed = input_lock.checkpoint
    files = tuple(folder / _name(item) for item in needed)
    config = folder / "pipeline.config"
    _download(store, [*zip(needed, files, strict=True), (input_lock.pipeline_config, config)])
    index = next((item.key for item in needed if item.key.endswith(_INDEX_SUFFIX)), "")
    if not index:
        raise _other_version("no index file of a checkpoint")
    prefix = index.removesuffix(_INDEX_SUFFIX)
    return Source(
        checkpoint_prefix=folder / prefix.rpartition("/")[2],
        checkpoint_key=prefix,
        pipeline_config=config,
        pipeline_config_key=input_lock.pipeline_config.key,
        files=(*files, config),
    )


def fetch_graph(store: Store, graph: PinnedObject, folder: Path) -> Path:
    """Downloads the pinned imported graph into `folder`.

    Raises StageError (`SourceChanged`) when it has changed or is gone.
    """
    folder.mkdir(parents=True)
    target = folder / "frozen_inference_graph.pb"
    _download(store, [(graph, target)])
    return target


def fetch_label_map(store: Store, input_lock: InputLock, folder: Path) -> Path:
    """Downloads the pinned label map into `folder`.

    Raises StageError (`SourceChanged`) when it has changed or is gone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "label_map.pbtxt"
    _download(store, [(input_lock.label_map, target)])
    return target


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
