"""ETags as UFile makes them, computed while the bytes pass by."""

import base64
import hashlib
import struct

BLOCK = 4 * 1024 * 1024
"""Bytes of a block of an ETag, and of a part of a multipart upload."""


class Digests:
    """ETag and MD5 of one stream."""

    def __init__(self) -> None:
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._block = hashlib.sha1(usedforsecurity=False)
        self._blocks: list[bytes] = []

    def update(self, data: bytes) -> None:
        """Takes the next bytes of the stream."""
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
        """Hex MD5 of all bytes."""
        return self._md5.hexdigest()

    def etag(self) -> str:
        """Base64 of the number of blocks and the SHA-1 of the only block, or of the blocks' SHA-1s.

        An empty stream has no block: zero, then nothing. The SDK computes the same.
        """
        blocks = [*self._blocks, self._block.digest()] if self.size % BLOCK else self._blocks
        digest = b"".join(blocks)
        if len(blocks) > 1:
            digest = hashlib.sha1(digest, usedforsecurity=False).digest()
        return base64.urlsafe_b64encode(struct.pack("<I", len(blocks)) + digest).decode()

    def _end_block(self) -> None:
        self._blocks.append(self._block.digest())
        self._block = hashlib.sha1(usedforsecurity=False)


def part_etag(data: bytes) -> str:
    """The ETag of one part of a multipart upload."""
    return base64.urlsafe_b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
