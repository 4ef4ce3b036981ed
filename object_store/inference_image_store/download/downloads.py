"""Atomic, verified downloads: each target gets the whole object or stays unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_image_store.client.objects import ObjectInfo
from inference_image_store.client.wire import Wire
from inference_image_store.download.download_file import FileDownload
from inference_image_store.transfers import limits, parallel
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer


@dataclass(frozen=True)
class Wanted:
    """A pinned object and its target path. The folder of `target` must exist."""

    key: str
    target: Path
    etag: str
    size: int
    """Bytes."""

    @property
    def info(self) -> ObjectInfo:
        """The object's attributes before the first response."""
        return ObjectInfo(self.key, self.size, self.etag)


def download(
    wire: Wire, retry: Retry, transfer: Transfer, objects: Sequence[tuple[ObjectInfo, Path]]
) -> tuple[ObjectInfo, ...]:
    """Downloads each object to its target; replaces an existing file.

    Files are not synced: after a power loss nobody reads a pod's scratch disk again.

    Returns the attributes from the responses. After a failure each target is unchanged or the whole new object.
    Raises StageError: `ObjectCorrupt` when bytes are wrong in every attempt, `SourceChanged` when an object
    differs from its description or is replaced meanwhile, `LimitExceeded` when the disk has too little room.
    """
    _check_room(transfer, objects)
    downloads = [FileDownload(wire, retry, transfer, info, target) for info, target in objects]
    waiting = list(downloads)

    def attempt() -> None:
        nonlocal waiting
        parallel.run((task for download in waiting for task in download.tasks()), transfer)
        waiting = [download for download in waiting if download.fault]
        for download in waiting:
            if download.fault:
                raise download.fault

    try:
        retry.call(attempt, transfer.sleep)
    finally:
        for download in downloads:
            download.discard()
    return tuple(download.info for download in downloads)


def _check_room(transfer: Transfer, objects: Sequence[tuple[ObjectInfo, Path]]) -> None:
    for folder in {target.parent for _, target in objects}:
        sizes = [info.size for info, target in objects if target.parent == folder]
        limits.check_room(transfer.what, folder, limits.disk_need(sizes))
