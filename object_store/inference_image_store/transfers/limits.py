"""The limits of one transfer, checked before it begins: number of objects, bytes, room on the disk."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

RESERVE = 16 * 1024 * 1024
"""Bytes that a transfer keeps free on a disk."""


@dataclass(frozen=True)
class Limits:
    """The limits of the installation."""

    max_files: int
    max_bytes: int

    def check(self, what: str, count: int, total: int) -> None:
        """Raises StageError (`LimitExceeded`) when `count` objects of `total` bytes exceed the limits."""
        if count > self.max_files:
            raise _over(what, f"{count} objects, and the maximum is {self.max_files}", "maxFiles")
        if total > self.max_bytes:
            raise _over(what, f"{total} bytes, and the maximum is {self.max_bytes}", "maxBytes")


def disk_need(sizes: list[int], block: int = 4096) -> int:
    """Bytes that files of these sizes occupy on a disk: whole blocks, plus one block per name."""
    return sum(-(-size // block) * block + block for size in sizes)


def check_room(what: str, folder: Path, need: int) -> None:
    """Raises StageError (`LimitExceeded`) when the disk of `folder` lacks room for `need` more bytes."""
    free = shutil.disk_usage(_existing(folder)).free
    if need + RESERVE > free:
        raise no_room(what, f"it needs {need} bytes, and {free} are free")


def no_room(what: str, detail: str) -> StageError:
    """The failure for a disk that is, or would be, full."""
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The disk has no room for {what}: {detail}.",
        "Request more ephemeral-storage in the step's resources in the spec, or use nodes with larger disks, "
        f"{REQUEST_AGAIN}",
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))


def _over(what: str, detail: str, value: str) -> StageError:
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The transfer of {what} exceeds the limit: {detail}.",
        "Name a smaller object or a narrower prefix in the spec, or move unneeded objects. The limit is "
        f"config.ufile.limits.{value} in the installation. "
        f"{REQUEST_AGAIN[0].upper()}{REQUEST_AGAIN[1:]}",
    )
