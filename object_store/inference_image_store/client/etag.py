"""ETags as UFile computes them.

`urlsafe_b64(LE32(number of 4 MiB blocks) + sha1)`; of one block, sha1 is the block's; of more, the SHA-1 of the
blocks' SHA-1s joined. A part of a multipart upload has `urlsafe_b64(sha1(part))`.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

BLOCK = 4 * 1024 * 1024
_CHUNK = 1024 * 1024
_COUNT, _SHA1 = 4, 20
"""Bytes of the two parts of an ETag; that of an empty object has the first alone."""
_MAX_BLOCKS = 2**24
"""Sixteen times what an object of 5 TB, the largest that UFile takes, has."""


class Blocks:
    """The SHA-1s of a stream's blocks, computed while its bytes pass by."""

    def __init__(self) -> None:
        self._size = 0
        self._current = hashlib.sha1(usedforsecurity=False)
        self._finished: list[bytes] = []

    def update(self, data: bytes | memoryview) -> None:
        """Takes the next bytes of the stream."""
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
        """The SHA-1 of each block so far, the last one as far as it is there."""
        return [*self._finished, self._current.digest()] if self._size % BLOCK else list(self._finished)


def etag_of_blocks(digests: Sequence[bytes]) -> str:
    """The ETag, unquoted, of an object whose blocks have these SHA-1s."""
    joined = b"".join(digests)
    digest = hashlib.sha1(joined, usedforsecurity=False).digest() if len(digests) > 1 else joined
    return base64.urlsafe_b64encode(struct.pack("<I", len(digests)) + digest).decode()


def is_ufile_etag(etag: str) -> bool:
    """Whether UFile's own interface made this ETag. Objects written through the S3 side have others.

    The hex digits of an MD5 are base64, too; they decode to a number of blocks that no object can have.
    """
    try:
        raw = base64.urlsafe_b64decode(etag)
    except ValueError:
        return False
    return len(raw) in (_COUNT, _COUNT + _SHA1) and int.from_bytes(raw[:_COUNT], "little") <= _MAX_BLOCKS


def etag_of(content: Path | bytes) -> str:
    """The ETag that UFile gives to this file or these bytes."""
    blocks = Blocks()
    if isinstance(content, bytes):
        blocks.update(content)
    else:
        with content.open("rb") as file:
            while chunk := file.read(_CHUNK):
                blocks.update(chunk)
    return etag_of_blocks(blocks.digests())


def part_etag(digest: bytes) -> str:
    """The ETag of one part of a multipart upload, unquoted, from its SHA-1."""
    return base64.urlsafe_b64encode(digest).decode()
