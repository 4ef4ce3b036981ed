"""Reads a .tar.gz: each entry is judged by its header before a byte of its content is taken."""

import gzip
import io
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from inference_image_build.source.archive.rules import MIB, Rules
from inference_image_build.source.source_entry import CHUNK, Broken, Member, chunks

_KINDS = {
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
    tarfile.GNUTYPE_SPARSE: "is a sparse file",
}
_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)
"""What the standard library raises for bytes that are no archive; a chain of headers exhausts its recursion."""


class _Unpacked(io.RawIOBase):
    """The unpacked stream, which ends the reading when more of it is asked for than an honest archive has.

    `tarfile` takes a header of any length into memory, and skips a file of any length; both come through here.
    """

    def __init__(self, stream: gzip.GzipFile, rules: Rules) -> None:
        self._stream = stream
        self._rules = rules
        self.last = b""
        """What was read last; after the last entry, the block that ended the archive."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._rules.unpacked(offset - self._overhead())
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._rules.limits.header:
            raise self._rules.too_large(f"a header of more than {self._rules.limits.header} bytes")
        self._rules.unpacked(self._stream.tell() + size - self._overhead())
        self.last = self._stream.read(size)
        return self.last

    def _overhead(self) -> int:
        """Headers and padding, which count beside the files: a kibibyte and a half for each entry, and the end."""
        return self._rules.limits.entries * 1536 + MIB


def members(path: Path, rules: Rules) -> Iterator[Member]:
    """The files of the archive, in its order; each must be read before the next is asked for.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    try:
        with gzip.open(path) as stream:
            source = _Unpacked(stream, rules)
            with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r:", encoding="utf-8") as archive:
                for entry in archive:
                    if found := _judged(archive, entry, rules):
                        yield found
            # It takes an unreadable header for the end, and would give half an archive for a whole one.
            if source.last.strip(b"\0"):
                raise rules.invalid(f"it is damaged at byte {source.tell()} of its content")
            while source.read(CHUNK):  # the checksum of all comes last
                pass
    except _BROKEN as error:
        raise rules.invalid(str(error) or type(error).__name__) from error


def _judged(archive: tarfile.TarFile, entry: tarfile.TarInfo, rules: Rules) -> Member | None:
    """The file that an entry is; None for a folder."""
    if entry.issparse():
        raise rules.unsafe(entry.name, _KINDS[tarfile.GNUTYPE_SPARSE])
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        raise rules.unsafe(entry.name, "has the setuid or setgid bit")
    if entry.isdir():
        rules.folder(entry.name)
        return None
    if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        raise rules.unsafe(entry.name, _KINDS.get(entry.type, f"is of the unknown kind {entry.type!r}"))
    path = rules.file(entry.name, entry.size)
    content = archive.extractfile(entry)
    if content is None:
        raise rules.invalid(f"its entry {entry.name!r} has no content")
    return Member(path, entry.size, chunks(content, entry.size, Broken(_BROKEN, rules.invalid)))
