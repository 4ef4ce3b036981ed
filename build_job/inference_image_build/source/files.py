"""Lists the files of a UFile prefix or a mounted ConfigMap, and checks the files of any source."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import PinnedFile
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo, Store, key_fault

MAX_FILES = 2000
MAX_BYTES = 2 * 1024**3
GRAPH_NAME = "frozen_inference_graph.pb"
LABEL_MAP_NAME = "label_map.pbtxt"
ONNX_NAME = "model.onnx"
_MAX_SEGMENT = 255  # bytes of a file name on Linux
_MAX_PATH = 3840
"""Bytes of a path: Linux allows 4,095, and the build and the image put the files below folders of their own."""
_MAX_DEPTH = 50
"""Folders of a path. Each is remembered and compared, so a deep path costs the square of its length."""
_MAX_SHOWN = 300
_REPLACED = "\N{REPLACEMENT CHARACTER}"
"""What a listing shows in place of bytes that are not UTF-8; no request can name such an object."""


def from_ufile(store: Store, prefix: str) -> tuple[PinnedFile, ...]:
    """The objects under `prefix` as files, sorted by path.

    Raises StageError: `SourceNotFound`, `LimitExceeded`, `UnsafeKey`, and those of the store.
    """
    listing = store.list(prefix, limit=MAX_FILES)
    for item in listing:  # a request of the build for this key would be refused
        fault = key_fault(item.key) or ("it is not UTF-8" if _REPLACED in item.key else "")
        if fault:
            raise _unsafe(item.key, f"the UFile prefix {prefix}", f"has a key that cannot be requested: {fault}")
    files = tuple(
        PinnedFile(path=item.key.removeprefix(prefix), size=item.size, etag=item.etag, key=item.key)
        for item in listing
        if not _is_folder(item)
    )
    return checked(files, f"the UFile prefix {prefix}", "spec.source.ufile.prefix")


def from_config_map(mount: Path) -> tuple[PinnedFile, ...]:
    """The files of a mounted ConfigMap, sorted by path.

    Kubernetes mounts it as links through `..data`, a link to a timestamped folder that it swaps atomically. This reads
    the folder itself, so that an update cannot mix two versions.
    Raises StageError: `SourceNotFound`, `LimitExceeded`.
    """
    folder = config_map_folder(mount)
    files = tuple(_pin_file(folder, path) for path in _walk(folder))
    return checked(files, "the mounted ConfigMap", "spec.source.configMap")


def config_map_folder(mount: Path) -> Path:
    """The folder with the current version."""
    data = mount / "..data"
    return data.resolve() if data.exists() else mount


def without_assembled(
    files: Iterable[PinnedFile], checkpoint_dir: str, formats: Iterable[str] = ()
) -> tuple[PinnedFile, ...]:
    """The files without those that `assemble` writes into the checkpoint folder: an old graph must not count."""
    written = assembled(checkpoint_dir, formats)
    return tuple(item for item in files if item.path not in written)


def check_assembled(files: Iterable[PinnedFile], checkpoint_dir: str, formats: Iterable[str] = ()) -> None:
    """Refuses files in whose place `assemble` needs a folder, and folders in whose place it needs a file.

    Raises StageError (`UnsafeKey`).
    """
    for target in sorted(assembled(checkpoint_dir, formats)):
        parents = {str(folder) for folder in PurePosixPath(target).parents}
        for item in files:
            if item.path in parents:
                what = f"is a file, but the build writes {target}, so it must be a folder"
            elif item.path.startswith(f"{target}/"):
                what = f"is in the folder {target}, but the build writes a file of that name"
            else:
                continue
            raise StageError(
                Reason.UNSAFE_KEY,
                f"The source cannot be combined with the model: {item.path!r} {what}.",
                f"Rename it in the source, or set spec.source.checkpointDir to another folder, {REQUEST_AGAIN}",
            )


def assembled(checkpoint_dir: str, formats: Iterable[str]) -> frozenset[str]:
    """The paths in the context that the step `assemble` writes."""
    names = (GRAPH_NAME, LABEL_MAP_NAME, *([ONNX_NAME] if "ONNX" in formats else []))
    return frozenset(str(PurePosixPath(checkpoint_dir, name)) for name in names)


def checked(files: tuple[PinnedFile, ...], where: str, field: str) -> tuple[PinnedFile, ...]:
    """The files, sorted by path, after checking that they can form a context. Messages name `where` and `field`.

    Raises StageError: `SourceNotFound`, `LimitExceeded`, `UnsafeKey`.
    """
    if not files:
        raise StageError(
            Reason.SOURCE_NOT_FOUND,
            f"There is no file under {where}.",
            f"Fix {field}, or put the Dockerfile and the code there, {REQUEST_AGAIN}",
        )
    total = sum(item.size for item in files)
    if len(files) > MAX_FILES or total > MAX_BYTES:
        raise StageError(
            Reason.LIMIT_EXCEEDED,
            f"The source in {where} has {len(files)} files and {total} bytes; "
            f"the limits are {MAX_FILES} files and {MAX_BYTES} bytes.",
            f"Keep the source in its own folder ({field}), without data and results.",
        )
    folders = {str(folder) for item in files for folder in PurePosixPath(item.path).parents}
    for item in files:
        if fault := path_fault(item.path):
            raise _unsafe(item.path, where, fault)
        if item.path in folders:
            raise _unsafe(item.path, where, "is both a file and a folder")
    return tuple(sorted(files, key=lambda item: item.path))


def path_fault(path: str) -> str:
    """Why a path cannot be written below a folder, as a clause; empty when it can."""
    if len(path) > _MAX_PATH or len(path.encode(errors="replace")) > _MAX_PATH:  # the other checks read all of it
        return f"has a path longer than {_MAX_PATH} bytes"
    if any(ord(character) < ord(" ") or ord(character) == 0x7F for character in path):  # noqa: PLR2004 - DEL
        return "contains a control character"
    segments = path.split("/")
    if len(segments) > _MAX_DEPTH:
        return f"is in more than {_MAX_DEPTH - 1} folders"
    if any(segment in {"", ".", ".."} for segment in segments):
        return "has an empty, '.' or '..' segment"
    if any(len(segment.encode()) > _MAX_SEGMENT for segment in segments):
        return f"has a name longer than {_MAX_SEGMENT} bytes"
    return ""


def _is_folder(item: ObjectInfo) -> bool:
    """Whether an object is a folder marker: consoles create empty objects whose key ends in a slash."""
    return item.size == 0 and item.key.endswith("/")


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith(".."))


def _pin_file(folder: Path, path: Path) -> PinnedFile:
    data = path.read_bytes()  # the API server limits a ConfigMap to 1 MiB
    return PinnedFile(path=path.relative_to(folder).as_posix(), size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _unsafe(path: str, where: str, fault: str) -> StageError:
    return StageError(
        Reason.UNSAFE_KEY,
        f"The source in {where} cannot become files: {path[:_MAX_SHOWN]!r} {fault}.",
        f"Rename or remove that file, {REQUEST_AGAIN}",
    )
