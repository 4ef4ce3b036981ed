"""Writes the pinned source into the build context, from any kind of source; fails if anything has changed."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from inference_image_build.source import archive, unpack
from inference_image_build.source import files as source
from inference_image_build.source import git as git_source
from inference_image_build.source.git.remote import Credentials
from inference_image_build.source.pin import Mounts
from inference_image_build.source.source_entry import SourceEntry
from inference_image_contract.content import file_sha256
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import (
    AssembleInput,
    GitSource,
    InputLock,
    PinnedArchive,
    PinnedCommit,
    PinnedFile,
)
from inference_image_contract.reasons import Reason
from inference_image_store import Store, Wanted

Target = Callable[[str], Path]
"""Returns the file for a path in the context; refuses a path that leaves it."""


def place_source(request: AssembleInput, input_lock: InputLock, store: Store, mounts: Mounts, target: Target) -> None:
    """Writes every file that the input lock pins.

    Raises StageError: `SourceChanged`, those of archives and of Git, and those of the store.
    """
    if input_lock.archive:
        _archive(input_lock.archive, input_lock.source, store, mounts, target)
    elif input_lock.commit and request.source_git:
        _git(request.source_git, input_lock.commit, input_lock.source, mounts, target)
    else:
        folder = source.config_map_folder(mounts.config_map)
        for item in input_lock.source:
            if not item.key:
                _copy(item, folder, target(item.path))
        download(store, [Wanted(i.key, target(i.path), i.etag, i.size) for i in input_lock.source if i.key])


def download(store: Store, wanted: Sequence[Wanted]) -> None:
    """Downloads pinned objects. An object that was deleted or archived in the meantime counts as changed."""
    try:
        store.download_all(wanted)
    except StageError as error:
        if error.reason is Reason.OBJECT_ARCHIVED:
            raise _changed(f"{error.message.removesuffix('.')}: the source") from error
        if error.reason is Reason.OBJECT_NOT_FOUND:
            raise _changed(f"{error.message.removesuffix('.')} any more: the source") from error
        raise


def _archive(pinned: PinnedArchive, files: Iterable[PinnedFile], store: Store, mounts: Mounts, target: Target) -> None:
    with mounts.scratch() as folder:
        path = folder / "archive"
        download(store, [Wanted(pinned.key, path, pinned.etag, pinned.size)])
        if file_sha256(path) != pinned.sha256:
            raise _changed(f"The archive {pinned.key}")
        within = f"{pinned.folder}/" if pinned.folder else ""
        entries = archive.entries(path, pinned.key)
        _place((entry._replace(path=entry.path.removeprefix(within)) for entry in entries), files, target)


def _git(git: GitSource, pinned: PinnedCommit, files: Iterable[PinnedFile], mounts: Mounts, target: Target) -> None:
    with (
        mounts.scratch() as folder,
        git_source.opened(git, folder, Credentials.mounted(mounts.git), pinned) as commit,
    ):
        _place(commit.entries, files, target)


def _place(entries: Iterable[SourceEntry], files: Iterable[PinnedFile], target: Target) -> None:
    for path in unpack.place(entries, files, target):
        raise _changed(f"The file {path} of the source")


def _copy(item: PinnedFile, config_map: Path, target: Path) -> None:
    try:
        data = (config_map / item.path).read_bytes()
    except OSError:
        data = b""
    if len(data) != item.size or hashlib.sha256(data).hexdigest() != item.sha256:
        raise _changed(f"The file {item.path} of the ConfigMap")
    target.write_bytes(data)


def _changed(what: str) -> StageError:
    return StageError(
        Reason.SOURCE_CHANGED,
        f"{what} has changed since Resolve pinned it.",
        "Nothing to do: the inputs are resolved again. Do not change the source during a build.",
    )
