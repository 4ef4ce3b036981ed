"""Reads a .zip: its directory is judged as a whole before anything of it is believed."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from inference_image_build.source.archive.rules import Rules
from inference_image_build.source.source_entry import Broken, Member, chunks

_END = struct.Struct("<4s4H2LH")
"""The record at the end: signature, two disk numbers, entries here and in all, directory's size and offset, comment."""
_SIGNATURE, _LOCATOR, _LOCATOR_SIZE = b"PK\5\6", b"PK\6\7", 20
_MAX_COMMENT = 0xFFFF
_LOCAL_HEADER = 30
_PER_ENTRY = 46 + 1024
"""Bytes of a directory entry with a long name."""
_ENCRYPTED, _UTF8 = 0x1, 0x800
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_KINDS = {
    stat.S_IFLNK: "is a symbolic link",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
    stat.S_IFIFO: "is a pipe",
    stat.S_IFSOCK: "is a socket",
}
_BROKEN = (
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
"""What the standard library raises for bytes that are no archive, or one that it cannot read."""


def members(path: Path, rules: Rules) -> Iterator[Member]:
    """The files of the archive, in its order; each must be read before the next is asked for.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    try:
        with path.open("rb") as file:
            _check_directory(file, path.stat().st_size, rules)
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                _check_overlaps(entries, path.stat().st_size, rules)
                for entry, name in [(entry, _judged(entry, rules)) for entry in entries]:
                    if name:
                        with archive.open(entry) as content:
                            yield Member(
                                name, entry.file_size, chunks(content, entry.file_size, Broken(_BROKEN, rules.invalid))
                            )
    except _BROKEN as error:
        raise rules.invalid(str(error) or type(error).__name__) from error


def _check_directory(file: IO[bytes], size: int, rules: Rules) -> None:
    """Refuses a directory of too many entries while it is still on the disk: `zipfile` takes it into memory whole."""
    start = max(0, size - _END.size - _MAX_COMMENT)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise rules.invalid("it has no directory at its end")
    if tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_LOCATOR):
        raise rules.invalid("it is of the Zip64 format, which only archives beyond 4 GiB need")
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    if entries > rules.limits.entries or directory > rules.limits.entries * _PER_ENTRY:
        raise rules.too_large(f"more than {rules.limits.entries} entries")


def _check_overlaps(entries: list[zipfile.ZipInfo], size: int, rules: Rules) -> None:
    """Refuses entries that share bytes, by which a small archive unpacks to any size."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise rules.unsafe(entry.filename, "lies upon another entry")
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        if end > size:
            raise rules.invalid(f"its entry {entry.filename!r} does not end within it")


def _judged(entry: zipfile.ZipInfo, rules: Rules) -> str:
    """The path of the file that an entry is; empty for a folder."""
    name, mode = entry.orig_filename, entry.external_attr >> 16
    if not entry.flag_bits & _UTF8 and not name.isascii():
        raise rules.unsafe(name, "has a name that is not UTF-8")
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
        raise rules.unsafe(name, "is compressed by another method than deflate")
    return rules.file(name, entry.file_size)
