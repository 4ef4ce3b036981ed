"""ETags as UFile computes them.

`urlsafe_b64(LE32(number of 4 MiB blocks) + sha1)`, where sha1 is that of the only block, or the SHA-1 of the
concatenated SHA-1s of several blocks. A part of a multipart upload has `urlsafe_b64(sha1(part))`.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

BLOCK = 4 * 1024 * 1024
_CHUNK = 1024 * 1024
_COUNT, _SHA1 = 4, 20
"""Bytes of the two parts of an ETag; an empty object's ETag has only the first."""
_MAX_BLOCKS = 2**24
"""Sixteen times the blocks of an object of 5 TB, UFile's maximum."""


class Blocks:
    """The SHA-1s of a stream's blocks, computed incrementally."""

    def __init__(self) -> None:
        self._size = 0
        self._current = hashlib.sha1(usedforsecurity=False)
        self._finished: list[bytes] = []

    def update(self, data: bytes | memoryview) -> None:
        """Adds the next bytes of the stream."""
        rest = memoryview(data)
        while rest:
            room = BLOCK - self._size % BLOCK
            self._current.update(rest[:room])
            self._size += min(room, len(rest))
            rest = rest[room:]
            if self._size % BLOCK == 0:
                self._finished.append(self._current.digest())
                self._current = hashlib.sha1(usedforsecurity=False)

    def digests(self) -> list[bytes]:
        """The SHA-1 of each block so far, including a partial last one."""
        return [*self._finished, self._current.digest()] if self._size % BLOCK else list(self._finished)


def etag_of_blocks(digests: Sequence[bytes]) -> str:
    """The unquoted ETag of an object whose blocks have these SHA-1s."""
    joined = b"".join(digests)
    digest = hashlib.sha1(joined, usedforsecurity=False).digest() if len(digests) > 1 else joined
    return base64.urlsafe_b64encode(struct.pack("<I", len(digests)) + digest).decode()


def is_ufile_etag(etag: str) -> bool:
    """Whether UFile's own API computed this ETag. Objects written through the S3 endpoint have other ETags.

    The hex digits of an MD5 are valid base64 too, but they decode to an impossible number of blocks.
    """
    try:
        raw = base64.urlsafe_b64decode(etag)
    except ValueError:
        return False
    return len(raw) in (_COUNT, _COUNT + _SHA1) and int.from_bytes(raw[:_COUNT], "little") <= _MAX_BLOCKS


def etag_of(content: Path | bytes) -> str:
    """The ETag that UFile computes for this file or these bytes."""
    blocks = Blocks()
    if isinstance(content, bytes):
        blocks.update(content)
    else:
        with content.open("rb") as file:
            while chunk := file.read(_CHUNK):
                blocks.update(chunk)
    return etag_of_blocks(blocks.digests())


def part_etag(digest: bytes) -> str:
    """The unquoted ETag of one part of a multipart upload, from its SHA-1."""
    return base64.urlsafe_b64encode(digest).decode()
