"""Decides from a listing which files form each checkpoint, which are complete, and which is the newest. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo

NAME = "model.ckpt"
"""The file name stem of every checkpoint of the Object Detection API."""
STATE = "checkpoint"
"""The text file in which TensorFlow's Saver records the newest checkpoint."""
INDEX = "index"
_MAX_STEPS_SHOWN = 10

_FILE = re.compile(
    re.escape(NAME) + r"-(?P<step>0|[1-9]\d{0,17})\.(?P<part>index|meta|data-(?P<shard>\d{5})-of-(?P<shards>\d{5}))"
)
_NAMED = re.compile(
    rf'^\s*model_checkpoint_path:\s*"(?:[^"]*/)?{re.escape(NAME)}-(?P<step>0|[1-9]\d{{0,17}})"', re.MULTILINE
)


class Fault(NamedTuple):
    """Why a checkpoint cannot be used yet."""

    key: str
    what: str
    """A clause about the object with that key."""


@dataclass(frozen=True)
class Checkpoint:
    """The files of one training step, from one listing."""

    prefix: str
    step: int
    parts: Mapping[str, ObjectInfo]
    """By the part of the key after the step: `index`, `meta`, `data-00000-of-00001`."""

    @property
    def modified(self) -> int:
        """When its newest file was written, in seconds since 1970; 0 when the listing does not say."""
        return max(item.modified for item in self.parts.values())

    def fault(self, sizes: tuple[int, ...] | None = None) -> Fault | None:
        """The first file that is missing or has another size than its index says (`sizes`, one per shard)."""
        for name, size in self._expected(sizes):
            part = self.parts.get(name)
            if part is None:
                return Fault(self.key(name), "is missing")
            if size is not None and part.size != size:
                return Fault(part.key, f"has {part.size} bytes, but its index says {size}")
        return None

    def files(self, sizes: tuple[int, ...] | None = None) -> tuple[PinnedObject, ...]:
        """Index, all data shards and, if present, meta, sorted by key; without shards left by another training."""
        wanted = {name for name, _ in self._expected(sizes)} | {"meta"}
        return tuple(
            PinnedObject(key=item.key, size=item.size, etag=item.etag)
            for item in sorted(self.parts.values(), key=lambda item: item.key)
            if item.key.removeprefix(self.key("")) in wanted
        )

    def key(self, name: str) -> str:
        """The key of one of its parts, whether it exists or not."""
        return f"{self.prefix}{NAME}-{self.step}.{name}"

    def _expected(self, sizes: tuple[int, ...] | None) -> Iterator[tuple[str, int | None]]:
        """The required parts: those of the index, or else every shard of each total in a file name."""
        yield INDEX, None
        if sizes is not None:
            yield from ((_shard(number, len(sizes)), size) for number, size in enumerate(sizes))
            return
        totals = {int(part.rpartition("-")[2]) for part in self.parts if part.startswith("data-")} or {1}
        yield from ((_shard(number, total), None) for total in sorted(totals) for number in range(total))


def checkpoints(listing: Iterable[ObjectInfo], prefix: str) -> dict[int, Checkpoint]:
    """The checkpoints by step. `listing` are the objects under `{prefix}model.ckpt-`; other objects are ignored."""
    parts: dict[int, dict[str, ObjectInfo]] = {}
    for item in listing:
        if match := _FILE.fullmatch(item.key.removeprefix(prefix)):
            parts.setdefault(int(match["step"]), {})[match["part"]] = item
    return {step: Checkpoint(prefix, step, found) for step, found in parts.items()}


def named_step(state: str) -> int | None:
    """The newest step by the text of a `checkpoint` file, whose paths are those of the training machine."""
    match = _NAMED.search(state)
    return int(match["step"]) if match else None


def newest_first(found: Iterable[Checkpoint], named: int | None, named_at: int) -> list[Checkpoint]:
    """The checkpoints, the newest first.

    The newest is the one that the `checkpoint` file names (written at `named_at`, seconds since 1970): a restarted
    training counts from 0 next to the high steps of the old one. Before it come higher steps that were written after
    the file, which the training or its upload has not recorded yet; after it the others, the highest step first.
    """

    def rank(checkpoint: Checkpoint) -> tuple[bool, bool, int]:
        if named is None:
            return False, False, checkpoint.step
        later = checkpoint.step > named and checkpoint.modified > named_at
        return later, checkpoint.step == named, checkpoint.step

    return sorted(found, key=rank, reverse=True)


def not_found(prefix: str, step: int | None, found: Iterable[Checkpoint]) -> StageError:
    """The error when there is nothing to wait for; lists the existing steps."""
    there = sorted((c.step for c in found if INDEX in c.parts), reverse=True)
    if step is None or not there:
        return StageError(
            Reason.CHECKPOINT_NOT_FOUND,
            f"There is no checkpoint under {prefix}: no object {prefix}{NAME}-*.index.",
            f"Set spec.model.prefix to the folder that the training wrote to, or upload its output, {REQUEST_AGAIN}",
        )
    shown = ", ".join(map(str, there[:_MAX_STEPS_SHOWN])) + (", ..." if len(there) > _MAX_STEPS_SHOWN else "")
    return StageError(
        Reason.CHECKPOINT_NOT_FOUND,
        f"There is no checkpoint of step {step} under {prefix}; existing steps: {shown}.",
        "Set spec.model.checkpoint.step to one of them.",
    )


def incomplete(fault: Fault, waited: float) -> StageError:
    """The error for a checkpoint that stayed incomplete; `waited` is in seconds, 0 when nobody writes it any more."""
    after = f" Resolve waited {waited:.0f} s for it." if waited else ""
    wait = "or wait until the training and its upload end, " if waited else ""
    return StageError(
        Reason.CHECKPOINT_INCOMPLETE,
        f"The checkpoint is incomplete: {fault.key} {fault.what}.{after}",
        f"Upload {fault.key}, {wait}{REQUEST_AGAIN}",
    )


def _shard(number: int, total: int) -> str:
    return f"data-{number:05}-of-{total:05}"
