"""Reads the index file of a checkpoint: its tensors, and how many data shards of which size hold them. Pure.

An index is an immutable table in LevelDB's format (tensorflow/core/lib/io/format.h): blocks of entries whose keys share
prefixes, a block that points at them, and a footer. The values are protocol buffers
(tensorflow/core/protobuf/tensor_bundle.proto): a header under the empty key, and the position of each tensor's bytes.
"""

from collections.abc import Iterator
from typing import NamedTuple

_FOOTER = 48
"""Bytes: two block handles, padding, and the magic number."""
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_UNCOMPRESSED = 0
_MOST_SHARDS = 99_999  # a shard's name has five digits for it

_NUM_SHARDS = 1  # BundleHeaderProto
_DTYPE, _SHARD_ID, _OFFSET, _SIZE, _CRC32C = 1, 3, 4, 5, 6  # BundleEntryProto
_CRC_DELTA = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h: a stored checksum is rotated and shifted by this
_NOT_PLAIN = frozenset({7, 20, 21})  # string, resource, variant: not stored as the plain bytes of their values

_ATTRIBUTE = b"/.ATTRIBUTES/"
_BOOKKEEPING = frozenset({b"_CHECKPOINTABLE_OBJECT_GRAPH"})
"""tensorflow/python/trackable: how TensorFlow 2 names what it saves."""


class InvalidIndexError(ValueError):
    """The bytes are not a complete index; the text says why, as a clause."""


class _Handle(NamedTuple):
    offset: int
    size: int


class Tensor(NamedTuple):
    """Where the values of a numeric tensor are stored, and the CRC-32C of those bytes."""

    name: str
    shard: int
    offset: int
    size: int
    crc32c: int


def tensors(data: bytes) -> tuple[Tensor, ...] | None:
    """The numeric tensors that have values, sorted by name; None in the same cases as `shard_sizes`.

    Raises InvalidIndexError.
    """
    table = _table(data)
    if table is None:
        return None
    return tuple(
        Tensor(
            key.decode("utf-8", "replace"),
            fields.get(_SHARD_ID, 0),
            fields.get(_OFFSET, 0),
            fields[_SIZE],
            _unmasked(fields.get(_CRC32C, 0)),
        )
        for key, fields in table
        if key and fields.get(_SIZE, 0) and fields.get(_DTYPE) not in _NOT_PLAIN
    )


def model_bytes(data: bytes) -> int | None:
    """Bytes of the variables that make up the model; None in the same cases as `shard_sizes`.

    A tensor that only the training needs (optimizer slots, moving averages) is named below its variable:
    `conv/weights/Momentum`, `conv/weights/ExponentialMovingAverage`. Raises InvalidIndexError.
    """
    found = tensors(data)
    if found is None:
        return None
    names = {tensor.name for tensor in found}
    return sum(tensor.size for tensor in found if tensor.name.rpartition("/")[0] not in names)


def is_object_based(data: bytes) -> bool:
    """Whether the checkpoint names its tensors after Python objects, as TensorFlow 2 does; False when unknown.

    The exporter of TensorFlow 1 finds a variable by its name in the graph. Raises InvalidIndexError.
    """
    table = _table(data)
    names = [key for key, _ in table or () if key and key not in _BOOKKEEPING]
    return bool(names) and all(_ATTRIBUTE in name for name in names)


def shard_sizes(data: bytes) -> tuple[int, ...] | None:
    """The size in bytes of each data shard, in order.

    None when the table is compressed, which only releases around TensorFlow 1.1 did: then nothing is known.
    Raises InvalidIndexError.
    """
    table = _table(data)
    if table is None:
        return None
    sizes: list[int] = []
    for key, fields in table:
        if not key:
            sizes = [0] * _shards(fields)
        elif fields.get(_SIZE, 0):
            shard = fields.get(_SHARD_ID, 0)
            if shard >= len(sizes):
                raise InvalidIndexError(f"names shard {shard}, but declares {len(sizes)} shards")
            sizes[shard] = max(sizes[shard], fields.get(_OFFSET, 0) + fields[_SIZE])
    if not sizes:
        raise InvalidIndexError("has no header")
    return tuple(sizes)


def _table(data: bytes) -> list[tuple[bytes, dict[int, int]]] | None:
    """Every key with the integers of its value; None when the table is compressed."""
    if len(data) < _FOOTER or data[-len(_MAGIC) :] != _MAGIC:
        raise InvalidIndexError("does not end with the magic number of an index")
    footer = data[-_FOOTER:]
    _, start = _handle(footer, 0)  # of the meta index, which TensorFlow leaves empty
    root, _ = _handle(footer, start)
    found: list[tuple[bytes, dict[int, int]]] = []
    for _, pointer in _entries(_block(data, root)):
        handle, _ = _handle(pointer, 0)
        if _compressed(data, handle):
            return None
        found += [(key, _fields(value)) for key, value in _entries(_block(data, handle))]
    return found


def _unmasked(stored: int) -> int:
    rotated = (stored - _CRC_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _shards(header: dict[int, int]) -> int:
    number = header.get(_NUM_SHARDS, 0)
    if not 1 <= number <= _MOST_SHARDS:
        raise InvalidIndexError(f"declares {number} shards")
    return number


def _compressed(data: bytes, handle: _Handle) -> bool:
    """Reads the byte after the block. A checksum follows it; the object's ETag makes it redundant."""
    end = handle.offset + handle.size
    if end >= len(data) - _FOOTER:
        raise InvalidIndexError("points beyond its end")
    return data[end] != _UNCOMPRESSED


def _block(data: bytes, handle: _Handle) -> bytes:
    """The entries of a block, without the restart array at its end."""
    if _compressed(data, handle):
        raise InvalidIndexError("has a compressed root")
    block = data[handle.offset : handle.offset + handle.size]
    restarts = int.from_bytes(block[-4:], "little")
    length = len(block) - 4 * (restarts + 1)
    if length < 0:
        raise InvalidIndexError("has a block that is too short")
    return block[:length]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values. Each entry says how many leading bytes its key shares with the previous key."""
    position, key = 0, b""
    while position < len(block):
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + _bytes(block, position, own)
        yield key, _bytes(block, position + own, length)
        position += own + length


def _handle(data: bytes, position: int) -> tuple[_Handle, int]:
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return _Handle(offset, size), position


def _fields(message: bytes) -> dict[int, int]:
    """The integers of a protocol buffer by field number; everything else is skipped."""
    found: dict[int, int] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        match tag & 7:
            case 0:
                found[tag >> 3], position = _varint(message, position)
            case 1:
                position += 8
            case 2:
                length, position = _varint(message, position)
                position += length
            case 5:
                found[tag >> 3] = int.from_bytes(_bytes(message, position, 4), "little")
                position += 4
            case wire:
                raise InvalidIndexError(f"has a field of wire type {wire}")
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first; and the position after it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = _bytes(data, position, 1)[0]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says whether another group follows
            return value, position
    raise InvalidIndexError("has a number that is too long")


def _bytes(data: bytes, position: int, length: int) -> bytes:
    found = data[position : position + length]
    if len(found) != length:
        raise InvalidIndexError("ends within an entry")
    return found
