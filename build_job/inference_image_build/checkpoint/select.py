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
"""The file name stem of every checkpoint that the training of the Object Detection API writes."""
STATE = "checkpoint"
"""The text file in which TensorFlow's Saver records the newest checkpoint."""
INDEX = "index"

_PART = re.compile(r"index|data-\d{5}-of-\d{5}")
"""What the export reads. The training graph (`.meta`) is not needed: the graph is built from the pipeline config."""
_STEP = re.compile(re.escape(NAME) + r"-(0|[1-9]\d{0,17})")


class Wanted(NamedTuple):
    """The checkpoint that the spec asks for: one of a step, one with a name, or the newest when neither is set."""

    prefix: str
    step: int | None = None
    name: str = ""

    @property
    def listing(self) -> str:
        """The common beginning of the keys of all candidates."""
        return f"{self.prefix}{self.name}." if self.name else f"{self.prefix}{NAME}-"


class Fault(NamedTuple):
    """Why a checkpoint cannot be used yet."""

    key: str
    what: str
    """A clause about the object with that key."""
    missing: bool = False
    """Whether the object does not exist; otherwise its content is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint, from one listing."""

    prefix: str
    name: str
    """The common beginning of its file names, such as `model.ckpt-800`."""
    parts: Mapping[str, ObjectInfo]
    """By the part of the key after the name: `index`, `data-00000-of-00001`."""

    @property
    def step(self) -> int | None:
        """Its training step by its name; None for another name."""
        return step_of(self.name)

    @property
    def modified(self) -> int:
        """When its newest file was written, in seconds since 1970; 0 when the listing does not say."""
        return max(item.modified for item in self.parts.values())

    def fault(self, sizes: tuple[int, ...] | None = None) -> Fault | None:
        """The first file that is missing or has another size than its index says (`sizes`, one per shard)."""
        for name, size in self._expected(sizes):
            part = self.parts.get(name)
            if part is None:
                return Fault(self.key(name), "is missing", missing=True)
            if size is not None and part.size != size:
                return Fault(part.key, f"has {part.size} bytes, but its index says {size}")
        return None

    def files(self, sizes: tuple[int, ...] | None = None) -> tuple[PinnedObject, ...]:
        """Index and all data shards, sorted by key; without shards left by another training."""
        wanted = {name for name, _ in self._expected(sizes)}
        return tuple(
            PinnedObject(key=item.key, size=item.size, etag=item.etag)
            for item in sorted(self.parts.values(), key=lambda item: item.key)
            if item.key.removeprefix(self.key("")) in wanted
        )

    def key(self, name: str) -> str:
        """The key of one of its parts, whether it exists or not."""
        return f"{self.prefix}{self.name}.{name}"

    def _expected(self, sizes: tuple[int, ...] | None) -> Iterator[tuple[str, int | None]]:
        """The required parts: those of the index, or else every shard of each total in a file name."""
        yield INDEX, None
        if sizes is not None:
            yield from ((_shard(number, len(sizes)), size) for number, size in enumerate(sizes))
            return
        totals = {int(part.rpartition("-")[2]) for part in self.parts if part.startswith("data-")} or {1}
        yield from ((_shard(number, total), None) for total in sorted(totals) for number in range(total))


def step_of(name: str) -> int | None:
    """The training step in the name of a checkpoint, `model.ckpt-<step>`; None for any other name."""
    match = _STEP.fullmatch(name)
    return int(match[1]) if match else None


def checkpoints(listing: Iterable[ObjectInfo], prefix: str) -> dict[str, Checkpoint]:
    """The checkpoints directly under `prefix` by name; other objects of the listing are ignored."""
    parts: dict[str, dict[str, ObjectInfo]] = {}
    for item in listing:
        name, _, part = item.key.removeprefix(prefix).rpartition(".")
        if name and "/" not in name and _PART.fullmatch(part):
            parts.setdefault(name, {})[part] = item
    return {name: Checkpoint(prefix, name, found) for name, found in parts.items()}


def candidates(found: Mapping[str, Checkpoint], wanted: Wanted, named: str = "", named_at: int = 0) -> list[Checkpoint]:
    """The checkpoints that the spec allows, the best first.

    `named` is the name in the `checkpoint` file, which was written at `named_at` (seconds since 1970).
    """
    if wanted.name or wanted.step is not None:
        name = wanted.name or f"{NAME}-{wanted.step}"
        return [found[name]] if name in found else []
    return newest_first(found.values(), named, named_at)


def newest_first(found: Iterable[Checkpoint], named: str, named_at: int) -> list[Checkpoint]:
    """The checkpoints with a step, the newest first.

    The newest is the one that the `checkpoint` file names: a restarted training counts from 0 next to the high steps of
    the old one. Before it come higher steps that were written after the file, which the training or its upload has not
    recorded yet; after it the lower steps. The other higher steps belong to another training: they are left out, even
    when nothing else is there. Without a file the highest step comes first.

    An upload that sends the file before the checkpoint that it names says nothing by its times.
    """
    newest = step_of(named)
    by_name = {each.name: each for each in found}
    in_order = named not in by_name or by_name[named].modified <= named_at

    def rank(checkpoint: Checkpoint) -> tuple[bool, int]:
        later = not named or (in_order and checkpoint.modified > named_at)
        step = checkpoint.step or 0
        return later and (newest is None or step > newest), step

    steps = [each for each in by_name.values() if each.step is not None]
    chosen = [each for each in steps if rank(each)[0] or (newest is not None and rank(each)[1] <= newest)]
    return sorted(chosen, key=rank, reverse=True)


def incomplete(fault: Fault, waited: float) -> StageError:
    """The error for a checkpoint that stayed unusable; `waited` is in seconds, 0 when nobody writes it any more."""
    after = f" Resolve waited {waited:.0f} s for it." if waited else ""
    wait = "or wait until the training and its upload end, " if waited else ""
    if fault.missing:
        return StageError(
            Reason.CHECKPOINT_INCOMPLETE,
            f"The checkpoint is incomplete: {fault.key} {fault.what}.{after}",
            f"Upload {fault.key}, {wait}{REQUEST_AGAIN}",
        )
    return StageError(
        Reason.CHECKPOINT_DAMAGED,
        f"The checkpoint is damaged: {fault.key} {fault.what}.{after}",
        f"Upload all files of this checkpoint again, or choose another in spec.model.checkpoint, {wait}{REQUEST_AGAIN}",
    )


def _shard(number: int, total: int) -> str:
    return f"data-{number:05}-of-{total:05}"
