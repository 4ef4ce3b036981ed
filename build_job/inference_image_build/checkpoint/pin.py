"""Pins the checkpoint: looks at UFile until the wanted or the newest one is whole, within limits."""

import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

from inference_image_build.checkpoint import select as checkpoint
from inference_image_build.checkpoint.select import Checkpoint, Fault
from inference_image_contract.checkpoint_index import InvalidIndexError, model_bytes, shard_sizes
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason
from inference_image_store import ArchivedError, ObjectInfo, Store

_MAX_FILES = 5000
_MAX_INDEX = 64 * 1024**2
_MAX_STATE = 1024**2
_NOT_READ = "meta"
_MOVED = (Reason.OBJECT_NOT_FOUND, Reason.SOURCE_CHANGED)


@dataclass(frozen=True)
class Patience:
    """How long a checkpoint that is being written is waited for. All in seconds."""

    limit: float = 600
    quiet: float = 60
    """Without any change of its files; most are written within seconds, and an object appears whole."""
    pause: float = 5
    abandoned: float = 600
    """A checkpoint whose newest file is that old is not being written. Generous, because two clocks are compared."""


class Pinned(NamedTuple):
    """One checkpoint, whole."""

    step: int
    files: tuple[PinnedObject, ...]
    """Index, data shards and, where present, meta, sorted by key."""
    model_bytes: int
    """Size of the model's variables; that of all data files when the index does not tell."""


class _Index(NamedTuple):
    """What an index file tells."""

    sizes: tuple[int, ...] | None
    model_bytes: int | None


class _Unfinished(NamedTuple):
    """A checkpoint that somebody seems to be writing."""

    checkpoint: Checkpoint
    fault: Fault


def pin(store: Store, prefix: str, step: int | None, patience: Patience) -> Pinned:
    """The checkpoint of this step, or the newest one that is whole when `step` is None.

    One that is being written is waited for: it is the one that is wanted. Raises StageError: `CheckpointNotFound`,
    `CheckpointIncomplete`, and those of the store.
    """
    look = _Look(store, prefix, step, patience)
    began = changed = time.monotonic()
    before: _Unfinished | None = None
    while True:
        found = look()
        if isinstance(found, Pinned):
            return found
        now = time.monotonic()
        if found != before:
            before, changed = found, now
            _say(f"step {found.checkpoint.step} is being written: {found.fault.key} {found.fault.what}; waiting")
        if now - changed >= patience.quiet or now - began >= patience.limit:
            raise checkpoint.incomplete(found.fault, now - began)
        time.sleep(patience.pause)


def archived(store: Store, prefix: str, step: int | None) -> list[str]:
    """The keys of what is archived of the checkpoint that is wanted: its files, and the file that names the newest.

    Where that one is archived, the highest step is taken for the newest. Raises StageError of the store.
    """
    look = _Look(store, prefix, step, Patience())
    listing = store.list(f"{prefix}{checkpoint.NAME}-", limit=_MAX_FILES)
    found = checkpoint.checkpoints(listing, prefix)
    state: list[str] = []
    try:
        candidates = look.candidates(found)
    except ArchivedError as error:
        state = list(error.keys)
        candidates = checkpoint.newest_first(found.values(), None, 0)
    return [*state, *(store.unreadable(_read(candidates[0])) if candidates else [])]


def _read(candidate: Checkpoint) -> list[ObjectInfo]:
    """The files of a checkpoint that are read, here or by the export: not the training graph."""
    return [info for part, info in candidate.parts.items() if part != _NOT_READ]


class _Look:
    """One look at what is there; what was read of an index is remembered by its ETag."""

    def __init__(self, store: Store, prefix: str, step: int | None, patience: Patience) -> None:
        self._store = store
        self._prefix = prefix
        self._step = step
        self._patience = patience
        self._indexes: dict[str, _Index] = {}

    def __call__(self) -> Pinned | _Unfinished:
        listing = self._store.list(f"{self._prefix}{checkpoint.NAME}-", limit=_MAX_FILES)
        found = checkpoint.checkpoints(listing, self._prefix)
        abandoned: Fault | None = None
        for candidate in self.candidates(found):
            judged = self._judge(candidate)
            if isinstance(judged, Pinned):
                return judged
            if self._is_being_written(candidate):
                return _Unfinished(candidate, judged)
            abandoned = abandoned or judged
        if abandoned:
            raise checkpoint.incomplete(abandoned, 0)
        raise checkpoint.not_found(self._prefix, self._step, found.values())

    def candidates(self, found: dict[int, Checkpoint]) -> list[Checkpoint]:
        """The checkpoints that may be the wanted one, the best first. Raises StageError of the store."""
        if self._step is not None:
            return [found[self._step]] if self._step in found else []
        named, named_at = self._named()
        return checkpoint.newest_first(found.values(), named, named_at)

    def _named(self) -> tuple[int | None, int]:
        """What the `checkpoint` file names, and when it was written."""
        key = self._prefix + checkpoint.STATE
        info = self._store.find(key)
        if info is None:
            return None, 0
        try:
            data = self._store.read(key, max_bytes=_MAX_STATE, etag=info.etag)
        except StageError as error:
            if error.reason in _MOVED:  # written at this very moment: the listing has to do
                return None, 0
            raise
        return checkpoint.named_step(data.decode("utf-8", errors="replace")), info.modified

    def _judge(self, candidate: Checkpoint) -> Pinned | Fault:
        index = candidate.parts.get(checkpoint.INDEX)
        if index is None:
            return Fault(candidate.key(checkpoint.INDEX), "is missing")
        if keys := self._store.unreadable(_read(candidate)):
            raise ArchivedError(self._store.bucket, keys)
        if index.etag not in self._indexes:
            try:
                data = self._store.read(index.key, max_bytes=_MAX_INDEX, etag=index.etag)
                self._indexes[index.etag] = _Index(shard_sizes(data), model_bytes(data))
            except InvalidIndexError as error:
                return Fault(index.key, str(error))
            except StageError as error:
                if error.reason in _MOVED:
                    return Fault(index.key, "changed while it was read")
                raise
        told = self._indexes[index.etag]
        files = candidate.files(told.sizes)
        size = told.model_bytes
        if size is None:
            size = sum(file.size for file in files if ".data-" in file.key)
        return candidate.fault(told.sizes) or Pinned(candidate.step, files, size)

    def _is_being_written(self, candidate: Checkpoint) -> bool:
        return not candidate.modified or time.time() - candidate.modified < self._patience.abandoned


def _say(text: str) -> None:
    print(f"resolve: {text}", file=sys.stderr, flush=True)
