"""The content of an upload: bytes with random access from any thread, checksums, and request bodies."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from inference_image_store.client.etag import Blocks, etag_of_blocks
from inference_image_store.transfers.ordered_hash import OrderedHash

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


def goes_in_parts(size: int) -> bool:
    """Whether an object of `size` bytes needs a multipart upload."""
    return size > SINGLE_PUT


class Checksums:
    """The checksums of a content, computed when they are asked for.

    The request that stores a small content needs all of them: they take one pass. An upload in parts ends with the
    SHA-256, which `hashed` computes beside it.
    """

    def __init__(self, content: Content) -> None:
        self.size = content.size
        self.hashed = OrderedHash(content.read, content.size)
        """Gets the parts as they are stored."""
        self._content = content

    @property
    def sha256(self) -> str:
        """Of any content. Not while parts are sent."""
        return self.hashed.hexdigest() if goes_in_parts(self.size) else self._whole.sha256

    @property
    def etag(self) -> str:
        """Empty for an upload in parts, whose ETags are computed during the upload."""
        return "" if goes_in_parts(self.size) else self._whole.etag

    @property
    def md5(self) -> str:
        """As `etag`."""
        return "" if goes_in_parts(self.size) else self._whole.md5

    @cached_property
    def _whole(self) -> "_Whole":
        sha256, blocks, md5 = hashlib.sha256(), Blocks(), hashlib.md5(usedforsecurity=False)
        for chunk in _chunks(self._content):
            sha256.update(chunk)
            blocks.update(chunk)
            md5.update(chunk)
        return _Whole(sha256.hexdigest(), etag_of_blocks(blocks.digests()), md5.hexdigest())


class _Whole(NamedTuple):
    sha256: str
    etag: str
    md5: str


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
