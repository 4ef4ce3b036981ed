"""Reads a .zip: checks its whole directory before it reads any entry."""

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from inference_image_build.source.archive import zip_names
from inference_image_build.source.archive.rules import Rules
from inference_image_build.source.source_entry import ReadErrors, SourceEntry, chunks

_END = struct.Struct("<4s4H2LH")
"""End record: signature, two disk numbers, entries here and in total, size and offset of the directory, comment."""
_SIGNATURE = b"PK\5\6"
_END64 = struct.Struct("<4sQ2H2L4Q")
"""End record of Zip64: signature, size, two versions, two disk numbers, entries here and in total, size, offset."""
_SIGNATURE64 = b"PK\6\6"
_LOCATOR_SIZE = 20
"""Of the Zip64 locator, between both end records."""
_MAX_COMMENT = 0xFFFF
_LOCAL_HEADER = 30
_PER_ENTRY = 46 + 1024
"""Bytes of a directory entry with a long name."""
_ENCRYPTED = 0x1
_UNIX_SYSTEMS = frozenset({3, 19})
"""Systems whose entries have a mode: Unix and macOS (APPNOTE.TXT, 4.4.2)."""
_DRIVE = re.compile(r"[A-Za-z]:")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_KINDS = {
    stat.S_IFLNK: "is a symbolic link",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
    stat.S_IFIFO: "is a pipe",
    stat.S_IFSOCK: "is a socket",
}
_READ_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    RuntimeError,
    struct.error,
)
"""What the standard library raises for an invalid archive, or one that it cannot read."""


def entries(path: Path, rules: Rules) -> Iterator[SourceEntry]:
    """The files of the archive, in its order. Read each before asking for the next.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    try:
        with path.open("rb") as file:
            _check_directory(file, path.stat().st_size, rules)
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
                _check_overlaps(infos, path.stat().st_size, rules)
                for entry, name in [(info, _checked(info, rules)) for info in infos]:
                    if name:
                        with archive.open(entry) as content:
                            yield SourceEntry(
                                name,
                                entry.file_size,
                                chunks(content, entry.file_size, ReadErrors(_READ_ERRORS, rules.invalid)),
                                executable=_is_executable(entry),
                            )
    except _READ_ERRORS as error:
        raise rules.invalid(str(error) or type(error).__name__) from error


def _check_directory(file: IO[bytes], size: int, rules: Rules) -> None:
    """Refuses a directory with too many entries before `zipfile` reads all of it into memory."""
    start = max(0, size - _END.size - _MAX_COMMENT)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise rules.invalid("it has no directory at its end")
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    file.seek(max(0, start + at - _LOCATOR_SIZE - _END64.size))
    if (record := file.read(_END64.size)).startswith(_SIGNATURE64):  # tools that write a stream always use Zip64
        *_, entries, directory, _ = _END64.unpack(record)
    if entries > rules.limits.entries or directory > rules.limits.entries * _PER_ENTRY:
        raise rules.too_large(f"more than {rules.limits.entries} entries")


def _check_overlaps(entries: list[zipfile.ZipInfo], size: int, rules: Rules) -> None:
    """Refuses entries that share bytes, which let a small archive unpack to any size."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise rules.unsafe(entry.filename, "overlaps another entry")
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        if end > size:
            raise rules.invalid(f"its entry {entry.filename!r} extends past its end")


def _is_executable(entry: zipfile.ZipInfo) -> bool:
    return entry.create_system in _UNIX_SYSTEMS and bool(entry.external_attr >> 16 & stat.S_IXUSR)


def _checked(entry: zipfile.ZipInfo, rules: Rules) -> str:
    """The path of an accepted file; empty for a folder."""
    name, mode = zip_names.name_of(entry), entry.external_attr >> 16
    if name is None:
        raise rules.encoding(entry.orig_filename)
    if zip_names.from_dos(entry) and _DRIVE.match(name):
        raise rules.unsafe(name, "has an absolute path")
    if fault := _KINDS.get(stat.S_IFMT(mode)):
        raise rules.unsafe(name, fault)
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise rules.unsafe(name, "has the setuid or setgid bit")
    if entry.flag_bits & _ENCRYPTED:
        raise rules.unsafe(name, "is encrypted")
    if name.endswith("/"):
        rules.folder(name)
        return ""
    if entry.compress_type not in _METHODS:
        raise rules.unsafe(name, "uses a compression method other than deflate")
    return rules.file(name, entry.file_size)
