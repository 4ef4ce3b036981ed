"""Downloads that are either the whole, verified objects at their targets, or nothing there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_image_store.client.objects import ObjectInfo
from inference_image_store.client.wire import Wire
from inference_image_store.download.download_file import Arrival
from inference_image_store.transfers import limits, parallel
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer


@dataclass(frozen=True)
class Wanted:
    """A pinned object, and where it shall be. The folder of `target` must exist."""

    key: str
    target: Path
    etag: str
    size: int
    """Bytes."""

    @property
    def info(self) -> ObjectInfo:
        """What is known of the object before its first answer."""
        return ObjectInfo(self.key, self.size, self.etag)


def download(
    wire: Wire, retry: Retry, transfer: Transfer, objects: Sequence[tuple[ObjectInfo, Path]]
) -> tuple[ObjectInfo, ...]:
    """Puts each object at its target, replacing a file that is there.

    It is not synced: a scratch disk that a power cut could catch is not read again, its pod is not started again.

    Returns what the answers said of each. Whatever fails, each target is as it was, or the new object as a whole.
    Raises StageError: `ObjectCorrupt` when bytes are wrong in every attempt, `SourceChanged` when an object is
    another than described or replaced meanwhile, `LimitExceeded` when the disk has no room.
    """
    _check_room(transfer, objects)
    arrivals = [Arrival(wire, retry, transfer, info, target) for info, target in objects]
    waiting = list(arrivals)

    def attempt() -> None:
        nonlocal waiting
        parallel.run((task for arrival in waiting for task in arrival.tasks()), transfer)
        waiting = [arrival for arrival in waiting if arrival.fault]
        for arrival in waiting:
            if arrival.fault:
                raise arrival.fault

    try:
        retry.call(attempt, transfer.sleep)
    finally:
        for arrival in arrivals:
            arrival.discard()
    return tuple(arrival.info for arrival in arrivals)


def _check_room(transfer: Transfer, objects: Sequence[tuple[ObjectInfo, Path]]) -> None:
    for folder in {target.parent for _, target in objects}:
        sizes = [info.size for info, target in objects if target.parent == folder]
        limits.check_room(transfer.what, folder, limits.disk_need(sizes))
