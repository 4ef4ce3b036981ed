"""ETags as UFile computes them.

`urlsafe_b64(LE32(number of 4 MiB blocks) + sha1)`; of one block, sha1 is the block's; of more, the SHA-1 of the
blocks' SHA-1s joined. A part of a multipart upload has `urlsafe_b64(sha1(part))`.
"""

import base64
import hashlib
import struct
from pathlib import Path

BLOCK = 4 * 1024 * 1024
_CHUNK = 1024 * 1024


class ETag:
    """The ETag of a stream, computed while its bytes pass by."""

    def __init__(self) -> None:
        self._size = 0
        self._current = hashlib.sha1(usedforsecurity=False)
        self._finished: list[bytes] = []

    def update(self, data: bytes) -> None:
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

    def value(self) -> str:
        """The ETag of the bytes so far, unquoted."""
        digests = list(self._finished)
        if self._size % BLOCK:
            digests.append(self._current.digest())
        joined = b"".join(digests)
        digest = hashlib.sha1(joined, usedforsecurity=False).digest() if len(digests) > 1 else joined
        return base64.urlsafe_b64encode(struct.pack("<I", len(digests)) + digest).decode()


def etag_of(content: Path | bytes) -> str:
    """The ETag that UFile gives to this file or these bytes."""
    etag = ETag()
    if isinstance(content, bytes):
        etag.update(content)
    else:
        with content.open("rb") as file:
            while chunk := file.read(_CHUNK):
                etag.update(chunk)
    return etag.value()


def part_etag(part: bytes) -> str:
    """The ETag of one part of a multipart upload, unquoted."""
    return base64.urlsafe_b64encode(hashlib.sha1(part, usedforsecurity=False).digest()).decode()
