"""A picture for the test when the user names none: a PNG of two squares, drawn with the standard library."""

import struct
import zlib

WIDTH, HEIGHT = 160, 120
_BACKGROUND, _RED, _BLUE = b"\xf0\xf0\xf0", b"\xd0\x20\x20", b"\x20\x40\xc0"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png() -> bytes:
    """An RGB PNG of `WIDTH` x `HEIGHT`, the same bytes every time."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)  # 8 bits, RGB, no interlace
    rows = b"".join(b"\0" + b"".join(_colour(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _colour(x: int, y: int) -> bytes:
    if x in range(20, 70) and y in range(30, 80):
        return _RED
    return _BLUE if x in range(90, 140) and y in range(50, 100) else _BACKGROUND


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
