"""ETags as UFile computes them, incrementally."""

import base64
import hashlib
import struct
from collections.abc import Sequence

BLOCK = 4 * 1024 * 1024
"""Bytes of a block of an ETag, and of a part of a multipart upload."""


class Digests:
    """ETag of one stream, and its MD5 on request, which costs more than the rest."""

    def __init__(self, *, md5: bool = False) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._block = hashlib.sha1(usedforsecurity=False)
        self._blocks: list[bytes] = []

    def update(self, data: bytes) -> None:
        """Adds the next bytes of the stream."""
        if self._md5:
            self._md5.update(data)
        view = memoryview(data)
        while view:
            piece = view[: BLOCK - self.size % BLOCK]
            self._block.update(piece)
            self.size += len(piece)
            if self.size % BLOCK == 0:
                self._end_block()
            view = view[len(piece) :]

    def md5(self) -> str:
        """Hex MD5 of all bytes; empty unless requested."""
        return self._md5.hexdigest() if self._md5 else ""

    def etag(self) -> str:
        """As `etag_of_blocks`, of all bytes."""
        return etag_of_blocks([*self._blocks, self._block.digest()] if self.size % BLOCK else self._blocks)

    def _end_block(self) -> None:
        self._blocks.append(self._block.digest())
        self._block = hashlib.sha1(usedforsecurity=False)


def etag_of_blocks(blocks: Sequence[bytes]) -> str:
    """Base64 of the number of blocks and the SHA-1 of the only block, or of the blocks' SHA-1s.

    An empty stream has no blocks: a zero and no hash. The SDK computes the same.
    """
    digest = b"".join(blocks)
    if len(blocks) > 1:
        digest = hashlib.sha1(digest, usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(struct.pack("<I", len(blocks)) + digest).decode()


def part_digest(etag: str) -> bytes:
    """The SHA-1 in the ETag of a part."""
    return base64.urlsafe_b64decode(etag)


def part_etag(data: bytes) -> str:
    """The ETag of one part of a multipart upload."""
    return base64.urlsafe_b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
