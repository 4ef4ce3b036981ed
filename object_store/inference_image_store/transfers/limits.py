"""What one transfer may be: how many objects, how many bytes, and whether the disk has room for them. Checked first."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

RESERVE = 16 * 1024 * 1024
"""Bytes that a transfer leaves free on a disk."""


@dataclass(frozen=True)
class Limits:
    """The installation's own limits."""

    max_files: int
    max_bytes: int

    def check(self, what: str, count: int, total: int) -> None:
        """Raises StageError (`LimitExceeded`) when `count` objects of `total` bytes are more than may be moved."""
        if count > self.max_files:
            raise _over(what, f"{count} objects, where at most {self.max_files} are taken", "maxFiles")
        if total > self.max_bytes:
            raise _over(what, f"{total} bytes, where at most {self.max_bytes} are taken", "maxBytes")


def disk_need(sizes: list[int], block: int = 4096) -> int:
    """Bytes that files of these sizes take on a disk: whole blocks, and one for each name."""
    return sum(-(-size // block) * block + block for size in sizes)


def check_room(what: str, folder: Path, need: int) -> None:
    """Raises StageError (`LimitExceeded`) when the disk of `folder` has no room for `need` bytes more."""
    free = shutil.disk_usage(_existing(folder)).free
    if need + RESERVE > free:
        raise no_room(what, f"{need} bytes are needed, {free} are free")


def no_room(what: str, detail: str) -> StageError:
    """The disk is full, or would be."""
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The disk has no room for {what}: {detail}.",
        "Ask for more ephemeral-storage in the step's resources of the spec (or use nodes with larger disks), "
        "then set annotation uai.ucloud.cn/requestedAt to a new value.",
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))


def _over(what: str, detail: str, value: str) -> StageError:
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"What is to be moved ({what}) is over the limit: {detail}.",
        "Name a smaller object or a narrower prefix in the spec, or move what does not belong there; the limit is "
        f"config.ufile.limits.{value} of the installation. Then set annotation uai.ucloud.cn/requestedAt to a new "
        "value.",
    )
