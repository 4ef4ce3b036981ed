"""Writes a layer as a tar stream that depends only on paths, contents, modes and owners."""

import tarfile
from collections.abc import Iterable, Iterator

from inference_image_build.append.files import Entry
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

CHUNK = 1024**2
"""Bytes that are read at once."""
_END = bytes(2 * tarfile.BLOCKSIZE)


def stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The tar archive in pieces of at most `CHUNK`: entries in the given order, time 0, no owner names.

    Raises StageError (`SourceChanged`) when a file has another size than when it was listed.
    """
    for entry in entries:
        yield _header(entry)
        if not entry.is_folder:
            yield from _content(entry)
            yield bytes(-entry.size % tarfile.BLOCKSIZE)
    yield _END


def _header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.path)
    info.type = tarfile.DIRTYPE if entry.is_folder else tarfile.REGTYPE
    info.mode, info.uid, info.gid, info.size = entry.mode, entry.uid, entry.gid, entry.size
    return info.tobuf(tarfile.PAX_FORMAT)


def _content(entry: Entry) -> Iterator[bytes]:
    if entry.content is not None:
        yield entry.content
        return
    left = entry.size
    with entry.source.open("rb", buffering=0) as file:
        while left and (data := file.read(min(CHUNK, left))):
            left -= len(data)
            yield data
        if left or file.read(1):
            raise StageError(
                Reason.SOURCE_CHANGED,
                f"The file {entry.source.name} of the build context changed while it was read.",
                "Nothing to do: the build is retried.",
            )
