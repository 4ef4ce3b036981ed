"""Encodes raw pixels as PNG with the standard library: test pictures that are the same bytes every time."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG file. `pixels`: rows from top to bottom, 3 bytes (RGB) per pixel."""
    stride = 3 * width
    rows = b"".join(b"\0" + pixels[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB, no interlace
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
