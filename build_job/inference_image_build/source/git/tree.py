"""The files of a folder in a commit: regular files only, checked by their tree entries before they are read."""

import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dulwich.objects import Blob, Commit, ObjectID, Tree

from inference_image_build.source.archive.rules import name_fault
from inference_image_build.source.files import MAX_BYTES, MAX_FILES, path_fault
from inference_image_build.source.git import damaged, failures
from inference_image_build.source.git.remote import Remote
from inference_image_build.source.source_entry import SourceEntry

if TYPE_CHECKING:
    from dulwich.object_store import BaseObjectStore

_LINK, _SUBMODULE = stat.S_IFLNK, 0o160000
_LFS = b"version https://git-lfs.github.com/spec/"
_MAX_ENTRIES = 4 * MAX_FILES
"""Tree objects can be shared, so a small repository can list any number of files."""


def entries(store: "BaseObjectStore", commit: Commit, path: str, remote: Remote) -> Iterator[SourceEntry]:
    """The files of the folder `path` (empty for the root), sorted by path.

    Raises StageError: `SourceNotFound` when there is no such folder, `GitTreeUnsafe`, `GitTooLarge`, `GitUnavailable`
    for a damaged object.
    """
    with damaged.explained(remote):
        yield from _Walk(store, remote).files(_folder(store, commit, path, remote), "")


class _Walk:
    def __init__(self, store: "BaseObjectStore", remote: Remote) -> None:
        self._store = store
        self._remote = remote
        self._entries = self._files = self._bytes = 0

    def files(self, tree: Tree, above: str) -> Iterator[SourceEntry]:
        for name, mode, sha in tree.iteritems():
            path = above + self._name(above, name or b"")
            self._entries += 1
            if self._entries > _MAX_ENTRIES:
                raise failures.too_large(str(self._remote), f"more than {_MAX_ENTRIES} files and folders")
            found = None if mode in {_LINK, _SUBMODULE} else _object(self._store, sha)
            if isinstance(found, Tree) and stat.S_ISDIR(mode or 0):
                if fault := path_fault(f"{path}/_"):  # a tree in a tree, far deeper than any file may be
                    raise self._unsafe(path, fault)
                yield from self.files(found, f"{path}/")
            elif isinstance(found, Blob) and stat.S_ISREG(mode or 0):
                yield self._file(path, found, executable=bool((mode or 0) & stat.S_IXUSR))
            else:
                kinds = {_LINK: "is a symbolic link", _SUBMODULE: "is a submodule"}
                raise self._unsafe(path, kinds.get(mode or 0, "is not a regular file"))

    def _file(self, path: str, blob: Blob, *, executable: bool) -> SourceEntry:
        content: list[bytes] = blob.chunked
        size = sum(map(len, content))
        if content and content[0].startswith(_LFS):
            raise self._unsafe(path, "is a Git LFS pointer, not the file itself")
        self._files, self._bytes = self._files + 1, self._bytes + size
        if self._files > MAX_FILES or self._bytes > MAX_BYTES:
            raise failures.too_large(str(self._remote), f"more than {MAX_FILES} files or {MAX_BYTES} bytes")
        return SourceEntry(path, size, iter(content), executable=executable)

    def _name(self, above: str, name: bytes) -> str:
        text = name.decode(errors="surrogateescape")
        fault = "has a slash in its name" if "/" in text else name_fault(text)
        if fault or (fault := path_fault(above + text)):
            raise self._unsafe(above + text, fault)
        return text

    def _unsafe(self, path: str, fault: str) -> Exception:
        return failures.unsafe_tree(str(self._remote), path, fault)


def _folder(store: "BaseObjectStore", commit: Commit, path: str, remote: Remote) -> Tree:
    found = _object(store, commit.tree)
    for name in path.split("/") if path else ():
        entry = found[name.encode()] if isinstance(found, Tree) and name.encode() in found else (0, None)
        if not stat.S_ISDIR(entry[0]) or entry[1] is None:
            raise failures.path_not_found(str(remote), path)
        found = _object(store, entry[1])
    if not isinstance(found, Tree):
        raise failures.path_not_found(str(remote), path)
    return found


def _object(store: "BaseObjectStore", sha: ObjectID | None) -> object:
    """The object with that name; None when the repository does not contain it."""
    try:
        return store[sha] if sha else None
    except KeyError:
        return None
