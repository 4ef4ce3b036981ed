"""Checks a Git pack before it is unpacked: how many objects it contains, and how large each is unpacked.

The format: https://git-scm.com/docs/pack-format. Inflated bytes are counted and discarded, so it needs little memory.
"""

import zlib
from typing import IO, NamedTuple

from inference_image_build.source.archive.rules import MIB

_CHUNK = 64 * 1024
_HEADER, _TRAILER = 12, 20
_OFS_DELTA, _REF_DELTA = 6, 7
_OBJECT_NAME = 20
_MORE, _LOW = 0x80, 0x7F
_DELTA_HEAD = 20
"""Bytes at the start of a delta that contain the sizes of its base and its result."""
_MAX_SHIFT = 63


class Limits(NamedTuple):
    """Limits of a repository. Sizes are in bytes."""

    packed: int = 128 * MIB
    """Size of what the server sends for one commit."""
    objects: int = 50_000
    """Number of objects."""
    object: int = 16 * MIB
    """Size of one object; several copies may be in memory at a time."""
    total: int = 512 * MIB
    """Size of all objects, unpacked."""


class PackError(Exception):
    """Not a pack; the text says why."""


class PackTooLargeError(Exception):
    """The pack exceeds a limit; the text says which."""


class _Reader:
    """Reads ahead, and keeps the bytes after a compressed object."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ahead = b""

    def take(self, size: int) -> bytes:
        while len(self._ahead) < size:
            more = self._file.read(_CHUNK)
            if not more:
                raise PackError("it ends too early")
            self._ahead += more
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def inflate(self, limit: int) -> tuple[int, bytes]:
        """Size and first bytes of the next compressed object."""
        inflater, size, head = zlib.decompressobj(), 0, b""
        data = self._ahead or self._file.read(_CHUNK)
        while not inflater.eof:
            if not data:
                raise PackError("it ends within an object")
            out = inflater.decompress(data, _CHUNK)
            size += len(out)
            head = head or out[:_DELTA_HEAD]
            if size > limit:
                raise PackError("an object is longer than its header says")
            data = inflater.unconsumed_tail or (b"" if inflater.eof else self._file.read(_CHUNK))
        self._ahead = inflater.unused_data
        return size, head


def check(file: IO[bytes], limits: Limits) -> None:
    """Reads a pack from its beginning to its end.

    Raises PackError or PackTooLargeError.
    """
    reader = _Reader(file)
    header = reader.take(_HEADER)
    count = int.from_bytes(header[8:])
    if header[:4] != b"PACK":
        raise PackError("it does not start with the signature of a pack")
    if count > limits.objects:
        raise PackTooLargeError(f"one commit has {count} objects; the limit is {limits.objects}")
    total = 0
    try:
        for _ in range(count):
            size = _object(reader, limits)
            total += size
            if total > limits.total:
                raise PackTooLargeError(f"one commit has more than {limits.total} bytes")
    except zlib.error as error:
        raise PackError(f"an object is damaged: {error}") from error
    reader.take(_TRAILER)


def _object(reader: _Reader, limits: Limits) -> int:
    """The unpacked size of the next object."""
    first = reader.take(1)[0]
    kind, size = first >> 4 & 7, first & 15
    if first & _MORE:
        size |= _number(reader) << 4
    _check(size, limits)
    if kind == _REF_DELTA:
        reader.take(_OBJECT_NAME)
    elif kind == _OFS_DELTA:
        while reader.take(1)[0] & _MORE:
            pass
    inflated, head = reader.inflate(size)
    if inflated != size:
        raise PackError("an object is shorter than its header says")
    if kind in {_OFS_DELTA, _REF_DELTA}:
        size = _result_size(head)
        _check(size, limits)
    return size


def _number(reader: _Reader) -> int:
    """A number in groups of seven bits, the lowest first."""
    value = shift = 0
    while True:
        byte = reader.take(1)[0]
        value |= (byte & _LOW) << shift
        shift += 7
        if not byte & _MORE:
            return value
        if shift > _MAX_SHIFT:
            raise PackError("a number is too long")


def _result_size(head: bytes) -> int:
    """The size of a delta's result; the second of the two numbers at its start."""
    numbers, value, shift = [], 0, 0
    for byte in head:
        value |= (byte & _LOW) << shift
        shift += 7
        if not byte & _MORE:
            numbers.append(value)
            value = shift = 0
    if len(numbers) < 2:  # noqa: PLR2004 - base and result
        raise PackError("a delta does not state its size")
    return numbers[1]


def _check(size: int, limits: Limits) -> None:
    if size > limits.object:
        raise PackTooLargeError(f"an object has {size} bytes; the limit is {limits.object}")
