"""Pins the checkpoint: waits, within limits, until the requested or the newest one is complete."""

import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

from inference_image_build.checkpoint import absent, state_file
from inference_image_build.checkpoint import select as checkpoint
from inference_image_build.checkpoint.select import Checkpoint, Fault, Wanted
from inference_image_contract.checkpoint_index import InvalidIndexError, is_object_based, model_bytes, shard_sizes
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason
from inference_image_store import ArchivedError, Store

_MAX_FILES = 5000
_MAX_INDEX = 64 * 1024**2
_MAX_STATE = 1024**2
_MOVED = (Reason.OBJECT_NOT_FOUND, Reason.SOURCE_CHANGED)


@dataclass(frozen=True)
class WaitPolicy:
    """How long to wait for a checkpoint that is being written. All in seconds."""

    limit: float = 600
    """In total."""
    quiet: float = 60
    """Without a change of its files; most are written within seconds, and objects appear atomically."""
    pause: float = 5
    """Between two listings."""
    abandoned: float = 600
    """If its newest file is older, nobody is writing it. Generous, because it compares two clocks."""


class Pinned(NamedTuple):
    """One complete checkpoint."""

    name: str
    """The common beginning of its file names, such as `model.ckpt-800`."""
    step: int | None
    """Its training step; None when the name has none."""
    files: tuple[PinnedObject, ...]
    """Index and data shards, sorted by key."""
    model_bytes: int
    """Size of the model's variables, or of all data files when the index does not say."""


class _Index(NamedTuple):
    """The content of an index file; None when it is compressed."""

    sizes: tuple[int, ...] | None
    model_bytes: int | None
    object_based: bool
    """Whether TensorFlow 2 wrote it."""


class _Unfinished(NamedTuple):
    """A checkpoint that is probably being written."""

    checkpoint: Checkpoint
    fault: Fault


def pin(store: Store, wanted: Wanted, wait_policy: WaitPolicy) -> Pinned:
    """The checkpoint that the spec asks for.

    Waits for a checkpoint that is being written, because it is the newest. Raises StageError: `CheckpointNotFound`,
    `CheckpointIncomplete`, `CheckpointDamaged`, `CheckpointUnsupported`, `CheckpointStateInvalid`, and those of the
    store.
    """
    search = _Search(store, wanted, wait_policy)
    began = changed = time.monotonic()
    before: _Unfinished | None = None
    while True:
        found = search()
        if isinstance(found, Pinned):
            return found
        now = time.monotonic()
        if found != before:
            before, changed = found, now
            _say(f"{found.checkpoint.name} is being written: {found.fault.key} {found.fault.what}; waiting")
        if now - changed >= wait_policy.quiet or now - began >= wait_policy.limit:
            raise checkpoint.incomplete(found.fault, now - began)
        time.sleep(wait_policy.pause)


def archived(store: Store, wanted: Wanted) -> list[str]:
    """The archived keys of the requested checkpoint: its files, and the `checkpoint` file, which names the newest.

    If that file is archived, the highest step counts as the newest. Raises StageError of the store.
    """
    search = _Search(store, wanted, WaitPolicy())
    found = search.found()
    state: list[str] = []
    try:
        candidates = search.candidates(found)
    except ArchivedError as error:
        state = list(error.keys)
        candidates = checkpoint.candidates(found, wanted)
    return [*state, *(store.unreadable(list(candidates[0].parts.values())) if candidates else [])]


class _Search:
    """Lists the checkpoints and picks one on each call; caches the content of index files by ETag."""

    def __init__(self, store: Store, wanted: Wanted, wait_policy: WaitPolicy) -> None:
        self._store = store
        self._wanted = wanted
        self._wait_policy = wait_policy
        self._indexes: dict[str, _Index] = {}

    def __call__(self) -> Pinned | _Unfinished:
        abandoned: Fault | None = None
        for candidate in self.candidates(self.found()):
            checked = self._check(candidate)
            if isinstance(checked, Pinned):
                return checked
            if self._is_being_written(candidate):
                return _Unfinished(candidate, checked)
            abandoned = abandoned or checked
        if abandoned:
            raise checkpoint.incomplete(abandoned, 0)
        named = "" if self._wanted.name or self._wanted.step is not None else self._named()[0]
        raise absent.failure(self._store, self._wanted, named)

    def found(self) -> dict[str, Checkpoint]:
        """The checkpoints there are, by name. Raises StageError of the store."""
        listing = self._store.list(self._wanted.listing, limit=_MAX_FILES)
        return checkpoint.checkpoints(listing, self._wanted.prefix)

    def candidates(self, found: dict[str, Checkpoint]) -> list[Checkpoint]:
        """The candidates, the best first. Raises StageError: `CheckpointStateInvalid`, and those of the store."""
        if self._wanted.name or self._wanted.step is not None:
            return checkpoint.candidates(found, self._wanted)
        return checkpoint.candidates(found, self._wanted, *self._named())

    def _named(self) -> tuple[str, int]:
        """The name that the `checkpoint` file contains, and when the file was written."""
        key = self._wanted.prefix + checkpoint.STATE
        info = self._store.find(key)
        if info is None:
            return "", 0
        try:
            data = self._store.read(key, max_bytes=_MAX_STATE, etag=info.etag)
        except StageError as error:
            if error.reason in _MOVED:  # it is being written: use the listing alone
                return "", 0
            raise
        return state_file.named(data, key), info.modified

    def _check(self, candidate: Checkpoint) -> Pinned | Fault:
        index = candidate.parts.get(checkpoint.INDEX)
        if index is None:
            return Fault(candidate.key(checkpoint.INDEX), "is missing", missing=True)
        if keys := self._store.unreadable(list(candidate.parts.values())):
            raise ArchivedError(self._store.bucket, keys)
        if index.etag not in self._indexes:
            try:
                data = self._store.read(index.key, max_bytes=_MAX_INDEX, etag=index.etag)
                self._indexes[index.etag] = _Index(shard_sizes(data), model_bytes(data), is_object_based(data))
            except InvalidIndexError as error:
                return Fault(index.key, str(error))
            except StageError as error:
                if error.reason in _MOVED:
                    return Fault(index.key, "changed while Resolve read it")
                raise
        content = self._indexes[index.etag]
        if content.object_based:
            raise absent.of_tensorflow_2(candidate.name, self._wanted.prefix)
        files = candidate.files(content.sizes)
        size = content.model_bytes
        if size is None:
            size = sum(file.size for file in files if ".data-" in file.key)
        return candidate.fault(content.sizes) or Pinned(candidate.name, candidate.step, files, size)

    def _is_being_written(self, candidate: Checkpoint) -> bool:
        return not candidate.modified or time.time() - candidate.modified < self._wait_policy.abandoned


def _say(text: str) -> None:
    print(f"resolve: {text}", file=sys.stderr, flush=True)
