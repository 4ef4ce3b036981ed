"""Finds all archived objects that a run needs before it reads any, and requests their restore."""

import sys
from collections.abc import Iterator

from inference_image_build.checkpoint import pin
from inference_image_build.checkpoint.select import Wanted
from inference_image_build.source import files
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ResolveInput
from inference_image_store import ArchivedError, Store


def check(request: ResolveInput, store: Store) -> None:
    """Raises ArchivedError with all archived keys: of checkpoint, configs, source, sample and imported graph."""
    keys = sorted({key for found in _archived(request, store) for key in found})
    if keys:
        raise ArchivedError(store.bucket, keys)


def restore(request: ResolveInput, store: Store, archived: ArchivedError) -> StageError:
    """Requests the restore if the spec asks for it, and returns the error that ends the stage.

    That is `ObjectRestoring`, or `ObjectArchived` without a restore. Raises StageError when the restore is refused.
    """
    for key in archived.keys:
        print(f"resolve: {key} is archived", file=sys.stderr, flush=True)
    return store.restore(archived, request.restore) if request.restore else archived


def _archived(request: ResolveInput, store: Store) -> Iterator[list[str]]:
    if request.frozen_graph:
        yield _object(store, request.frozen_graph)
    else:
        yield pin.archived(store, Wanted(request.prefix, request.step, request.checkpoint_name))
        yield _object(store, request.prefix + request.pipeline_config)
    yield _object(store, request.label_map)
    if request.source_archive:
        yield _object(store, request.source_archive)
    elif request.source_prefix and not request.source_git:
        yield list(store.unreadable(store.list(request.source_prefix, limit=files.MAX_FILES)))
    if request.sample:
        yield _object(store, request.sample)


def _object(store: Store, key: str) -> list[str]:
    """The key if the object is archived; empty if it is readable, or missing, which other checks report."""
    try:
        info = store.find(key)
    except ArchivedError as error:
        return list(error.keys)
    return list(store.unreadable([info])) if info else []
