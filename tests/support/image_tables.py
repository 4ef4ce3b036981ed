"""Writes index files of checkpoints as TensorFlow's table builder does, to test the reader."""

from collections.abc import Sequence
from itertools import takewhile

MAGIC = bytes.fromhex("57fb808b247547db")


def varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return bytes(groups)


def number(field: int, value: int) -> bytes:
    """A varint field of a protocol buffer; proto3 omits zeros."""
    return varint(field << 3) + varint(value) if value else b""


def header(shards: int) -> bytes:
    version = number(1, 1)
    return number(1, shards) + varint(3 << 3 | 2) + varint(len(version)) + version


def entry(shard: int, offset: int, size: int) -> bytes:
    shape = b"\x12\x02\x08\x01"
    checksum = varint(6 << 3 | 5) + b"\x01\x02\x03\x04"
    return number(1, 1) + varint(2 << 3 | 2) + varint(len(shape)) + shape + number(3, shard) + number(4, offset) + (
        number(5, size) + checksum
    )  # fmt: skip


def block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Entries whose keys share prefixes, and one restart."""
    data, before = b"", b""
    for key, value in entries:
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, key, strict=False)))
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return data + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def table(blocks: Sequence[Sequence[tuple[bytes, bytes]]], compression: int = 0) -> bytes:
    """A whole table; only the data blocks have the compression flag."""
    data, pointers = b"", []
    for entries in blocks:
        body = block(entries)
        pointers.append((entries[-1][0] + b"~", varint(len(data)) + varint(len(body))))
        data += body + bytes([compression]) + b"\0\0\0\0"
    meta, root = block([]), block(pointers)
    handles = varint(len(data)) + varint(len(meta))
    data += meta + b"\0" * 5
    handles += varint(len(data)) + varint(len(root))
    return data + root + b"\0" * 5 + handles.ljust(40, b"\0") + MAGIC


def index(*sizes: int, compression: int = 0) -> bytes:
    """The index of a checkpoint whose shards have these sizes; each has two tensors, the header its own block."""
    tensors = []
    for shard, size in enumerate(sizes):
        half = size // 2
        tensors.append((f"FeatureExtractor/conv{shard:05}/bias".encode(), entry(shard, 0, half)))
        tensors.append((f"FeatureExtractor/conv{shard:05}/weights".encode(), entry(shard, half, size - half)))
    return table([[(b"", header(len(sizes))), *tensors[:1]], tensors[1:]], compression)
