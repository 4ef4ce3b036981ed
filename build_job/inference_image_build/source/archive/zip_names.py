"""The name of an entry of a .zip, as the tool that wrote it meant it. Pure.

The format predates Unicode. Names with the UTF-8 flag are clear. Info-ZIP writes another name next to a plain one (the
field 0x7075), or UTF-8 without the flag, as macOS does. Some tools on Windows separate folders with backslashes, and
Explorer writes the code page of the machine, which the archive does not name.
"""

import struct
import zipfile
import zlib

_UTF8 = 0x800
_UNICODE_PATH = 0x7075
_FIELD = struct.Struct("<HH")
_VERSION_AND_CRC = struct.Struct("<BL")
_DOS_SYSTEMS = frozenset({0, 6, 10, 14})
"""MS-DOS, OS/2, Windows NTFS and VFAT (APPNOTE.TXT, 4.4.2)."""


def name_of(entry: zipfile.ZipInfo) -> str | None:
    """The entry's name with `/` between folders; None when its encoding is unknown."""
    name = _decoded(entry)
    return name.replace("\\", "/") if name and from_dos(entry) else name


def from_dos(entry: zipfile.ZipInfo) -> bool:
    """Whether the entry comes from a system that separates folders with backslashes and has drive letters."""
    return entry.create_system in _DOS_SYSTEMS


def _decoded(entry: zipfile.ZipInfo) -> str | None:
    name = entry.orig_filename
    if entry.flag_bits & _UTF8 or name.isascii():
        return name
    raw = name.encode("cp437")  # how `zipfile` decoded it, for every byte
    stated = _unicode_path(entry.extra, raw)
    try:
        return (stated or raw).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unicode_path(extra: bytes, raw: bytes) -> bytes:
    """The name in the field of Info-ZIP; empty without one, or if it belongs to another name than `raw`."""
    position = 0
    while position + _FIELD.size <= len(extra):
        kind, size = _FIELD.unpack_from(extra, position)
        position += _FIELD.size
        value = extra[position : position + size]
        position += size
        if kind == _UNICODE_PATH and len(value) > _VERSION_AND_CRC.size:
            version, checksum = _VERSION_AND_CRC.unpack_from(value)
            if version == 1 and checksum == zlib.crc32(raw):
                return value[_VERSION_AND_CRC.size :]
    return b""
