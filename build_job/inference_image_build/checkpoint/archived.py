"""Finds every object that a run needs and that is archived, before anything is read; asks for their restore."""

import sys
from collections.abc import Iterator

from inference_image_build.checkpoint import pin
from inference_image_build.source import files
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ResolveInput
from inference_image_store import ArchivedError, Store


def check(stage: ResolveInput, store: Store) -> None:
    """Raises ArchivedError with the keys of all of them: checkpoint, configs, source, sample, ready graph."""
    keys = sorted({key for found in _looks(stage, store) for key in found})
    if keys:
        raise ArchivedError(store.bucket, keys)


def restore(stage: ResolveInput, store: Store, archived: ArchivedError) -> StageError:
    """Asks for their restore where that is wished for, and returns what ends the stage.

    That is `ObjectRestoring`, or `ObjectArchived` where nothing was wished for. Raises StageError when it is refused.
    """
    for key in archived.keys:
        print(f"resolve: {key} is archived", file=sys.stderr, flush=True)
    return store.restore(archived, stage.restore) if stage.restore else archived


def _looks(stage: ResolveInput, store: Store) -> Iterator[list[str]]:
    if stage.frozen_graph:
        yield _object(store, stage.frozen_graph)
    else:
        yield pin.archived(store, stage.prefix, stage.step)
        yield _object(store, stage.prefix + stage.pipeline_config)
    yield _object(store, stage.label_map)
    if stage.source_archive:
        yield _object(store, stage.source_archive)
    elif stage.source_prefix and not stage.source_git:
        yield list(store.unreadable(store.list(stage.source_prefix, limit=files.MAX_FILES)))
    if stage.sample:
        yield _object(store, stage.sample)


def _object(store: Store, key: str) -> list[str]:
    """The key if that object is archived; nothing if it is readable, or absent: that is for others to say."""
    try:
        info = store.find(key)
    except ArchivedError as error:
        return list(error.keys)
    return list(store.unreadable([info])) if info else []
