"""Reads a .tar.gz: checks the header of each entry before it reads any of its content."""

import gzip
import io
import stat
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from inference_image_build.source.archive import pax
from inference_image_build.source.archive.rules import MIB, Rules
from inference_image_build.source.source_entry import CHUNK, ReadErrors, SourceEntry, chunks

_KINDS = {
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
    tarfile.GNUTYPE_SPARSE: "is a sparse file",
}
_READ_ERRORS = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)
"""What the standard library raises for an invalid archive; a chain of headers exhausts its recursion."""


_EXTENDED = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_MAX_GLOBAL = 100
"""Values that apply to all later entries, which are copied for each. Git writes one."""


class _Unpacked(io.RawIOBase):
    """The unpacked stream, which stops a reader that asks for more than a valid archive contains.

    `tarfile` reads headers of any length and number into memory: extended ones, one upon another, and lists of the
    holes of a sparse file. It skips a file of any length. All of them pass through here.
    """

    def __init__(self, stream: gzip.GzipFile, rules: Rules) -> None:
        self._stream = stream
        self._rules = rules
        self._headers = 0
        """Bytes read for headers so far, and the most that they may be before the next entry is known."""
        self._most: int | None = None
        self.is_pax = False
        """Whether the next block read is an extended header."""
        self.last = b""
        """The last block read; after the last entry, the block that ended the archive."""

    @contextmanager
    def header(self) -> Iterator[None]:
        """What is read inside this block are headers of one entry."""
        limits = self._rules.limits
        self._most = min(self._headers + limits.header, limits.headers)
        try:
            yield
        finally:
            self._most = None

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
        if self._most is not None:
            self._headers += size
            if self._headers > self._most:
                limits = self._rules.limits
                raise self._rules.too_large(
                    f"headers of more than {limits.header} bytes for one entry, or {limits.headers} for all"
                )
        self._rules.unpacked(self._stream.tell() + size - self._overhead())
        self.last = self._stream.read(size)
        if self.is_pax and (fault := pax.fault(self.last)):
            raise self._rules.invalid(fault)
        self.is_pax = False
        return self.last

    def _overhead(self) -> int:
        """Bytes for headers and padding besides the files: 1.5 KiB per entry, and the end."""
        return self._rules.limits.entries * 1536 + MIB


class _Header(tarfile.TarInfo):
    """A header that announces an extended one, before `tarfile` reads that."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """The method that `tarfile` lets subclasses override."""
        if self.type in _EXTENDED:
            cast("_Unpacked", archive.fileobj).is_pax = True
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc]


def entries(path: Path, rules: Rules) -> Iterator[SourceEntry]:
    """The files of the archive, in its order. Read each before asking for the next.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    try:
        with gzip.open(path) as stream:
            source = _Unpacked(stream, rules)
            with _opened(source) as archive:
                while entry := _next(archive, source):
                    if found := _checked(archive, entry, rules):
                        yield found
            # tarfile treats an unreadable header as the end, so half an archive would pass as a whole one.
            if source.last.strip(b"\0"):
                raise rules.invalid(f"it is damaged at byte {source.tell()} of its content")
            while source.read(CHUNK):  # the checksum comes last
                pass
    except _READ_ERRORS as error:
        raise rules.invalid(str(error) or type(error).__name__) from error


def _opened(source: _Unpacked) -> tarfile.TarFile:
    with source.header():  # opening reads the headers of the first entry
        return tarfile.open(fileobj=cast("IO[bytes]", source), mode="r:", encoding="utf-8", tarinfo=_Header)


def _next(archive: tarfile.TarFile, source: _Unpacked) -> tarfile.TarInfo | None:
    """The next entry, whatever its headers say about it; None at the end. `tarfile` would keep each of them."""
    with source.header():
        entry = archive.next()
    archive.members = []  # type: ignore[attr-defined]  # documented in the code, not in the types
    return entry


def _checked(archive: tarfile.TarFile, entry: tarfile.TarInfo, rules: Rules) -> SourceEntry | None:
    """The accepted file of an entry; None for a folder."""
    if entry.size < 0:
        raise rules.invalid(f"its entry {entry.name[:200]!r} has a size below zero")
    if len(archive.pax_headers) > _MAX_GLOBAL:
        raise rules.invalid(f"it has more than {_MAX_GLOBAL} values for all entries")
    if entry.issparse():
        raise rules.unsafe(entry.name, _KINDS[tarfile.GNUTYPE_SPARSE])
    if entry.mode & (stat.S_ISUID | stat.S_ISGID):
        raise rules.unsafe(entry.name, "has the setuid or setgid bit")
    if entry.isdir():
        rules.folder(entry.name)
        return None
    if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        raise rules.unsafe(entry.name, _KINDS.get(entry.type, f"has the unknown type {entry.type!r}"))
    path = rules.file(entry.name, entry.size)
    content = archive.extractfile(entry)
    if content is None:
        raise rules.invalid(f"its entry {entry.name!r} has no content")
    data = chunks(content, entry.size, ReadErrors(_READ_ERRORS, rules.invalid))
    return SourceEntry(path, entry.size, data, executable=bool(entry.mode & stat.S_IXUSR))
