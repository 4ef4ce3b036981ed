"""The content of an upload: bytes with random access from any thread, checksums, and request bodies."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference_image_store.client.etag import Blocks, etag_of_blocks

SINGLE_PUT = 64 * 1024 * 1024
"""Maximal bytes of an upload in one request."""
_CHUNK = 1024 * 1024


class Content(Protocol):
    """Bytes of a fixed size."""

    @property
    def size(self) -> int:
        """Total bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`."""
        ...


@dataclass(frozen=True)
class InMemory:
    """Content in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Total bytes."""
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        """As `Content.read`."""
        return self.data[start : start + length]


@dataclass(frozen=True)
class OnDisk:
    """An open file."""

    descriptor: int
    size: int

    def read(self, start: int, length: int) -> bytes:
        """As `Content.read`."""
        return os.pread(self.descriptor, length, start)


@contextmanager
def on_disk(path: Path) -> Iterator[OnDisk]:
    """The file with its current size."""
    with path.open("rb") as file:
        yield OnDisk(file.fileno(), os.fstat(file.fileno()).st_size)


@dataclass(frozen=True)
class Checksums:
    """The checksums of a content."""

    size: int
    sha256: str
    etag: str = ""
    """Empty for multipart uploads, whose ETags are computed during the upload."""
    md5: str = ""
    """As `etag`."""


def goes_in_parts(size: int) -> bool:
    """Whether an object of `size` bytes needs a multipart upload."""
    return size > SINGLE_PUT


def checksums(content: Content) -> Checksums:
    """The checksums that an upload needs before it begins, in one pass."""
    sha256 = hashlib.sha256()
    if goes_in_parts(content.size):
        for chunk in _chunks(content):
            sha256.update(chunk)
        return Checksums(content.size, sha256.hexdigest())
    blocks, md5 = Blocks(), hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(content):
        sha256.update(chunk)
        blocks.update(chunk)
        md5.update(chunk)
    return Checksums(content.size, sha256.hexdigest(), etag_of_blocks(blocks.digests()), md5.hexdigest())


def content_etag(content: Content) -> str:
    """The ETag that UFile computes for these bytes."""
    blocks = Blocks()
    for chunk in _chunks(content):
        blocks.update(chunk)
    return etag_of_blocks(blocks.digests())


def _chunks(content: Content) -> Iterator[bytes]:
    start = 0
    while chunk := content.read(start, _CHUNK):
        yield chunk
        start += len(chunk)


class Body:
    """A request body: `length` bytes of a content, sent in chunks so that the timeout applies to each."""

    def __init__(self, content: Content, start: int, length: int, watch: Callable[[int], None]) -> None:
        self._content = content
        self._position = start
        self._end = start + length
        self._length = length
        self._watch = watch
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def __len__(self) -> int:
        return self._length

    def read(self, length: int = _CHUNK, /) -> bytes:
        """The next chunk; empty at the end."""
        piece = self._content.read(self._position, min(length, self._end - self._position))
        self._position += len(piece)
        self._sha1.update(piece)
        self._watch(len(piece))
        return piece

    def sha1(self) -> bytes:
        """The SHA-1 of all its bytes, including bytes that were not sent."""
        while self._position < self._end and (piece := self._content.read(self._position, _CHUNK)):
            piece = piece[: self._end - self._position]
            self._position += len(piece)
            self._sha1.update(piece)
        return self._sha1.digest()
