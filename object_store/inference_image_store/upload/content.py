"""What is uploaded: bytes that any thread can read at any place, their checksums, and a part of them as a body."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inference_image_store.client.etag import Blocks, etag_of_blocks

SINGLE_PUT = 64 * 1024 * 1024
"""Bytes up to which an object is sent in one request."""
_CHUNK = 1024 * 1024


class Content(Protocol):
    """Bytes of a fixed size."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, as many as there are, at most `length`."""
        ...


@dataclass(frozen=True)
class InMemory:
    """Bytes of this process."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
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
    """The file, with the size that it has now."""
    with path.open("rb") as file:
        yield OnDisk(file.fileno(), os.fstat(file.fileno()).st_size)


@dataclass(frozen=True)
class Checksums:
    """What identifies some bytes."""

    size: int
    sha256: str
    etag: str = ""
    """Empty for what goes in parts: their ETags are computed on the way."""
    md5: str = ""
    """As `etag`."""


def goes_in_parts(size: int) -> bool:
    """Whether an object of `size` bytes is uploaded in parts."""
    return size > SINGLE_PUT


def checksums(content: Content) -> Checksums:
    """The checksums that have to be known before an upload begins, in one pass."""
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
    """The ETag that UFile gives to these bytes."""
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
    """`length` bytes of a content on their way into a request, in pieces, so that each has a timeout of its own."""

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
        """The next piece; empty at the end."""
        piece = self._content.read(self._position, min(length, self._end - self._position))
        self._position += len(piece)
        self._sha1.update(piece)
        self._watch(len(piece))
        return piece

    def sha1(self) -> bytes:
        """The SHA-1 of all its bytes, those that were not sent included."""
        while self._position < self._end and (piece := self._content.read(self._position, _CHUNK)):
            piece = piece[: self._end - self._position]
            self._position += len(piece)
            self._sha1.update(piece)
        return self._sha1.digest()
