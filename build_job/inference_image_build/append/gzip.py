"""Deterministic gzip on several cores with bounded memory.

The stream is cut into blocks of equal size. Each is deflated independently and ends at a byte boundary, so blocks can
be compressed in parallel and joined, as pigz does. A block that does not shrink (weights seldom do) is stored. Equal
input gives equal output for any number of threads.
"""

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

BLOCK = 1024**2
"""Bytes that are compressed at once."""
THREADS = min(4, os.cpu_count() or 1)
_LEVEL = 6
_SAMPLE = 32 * 1024
_WORTH_IT = 0.95
"""A block is stored when its sample does not shrink below this share of its size."""
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, the time 0, no operating system
_LAST_BLOCK = b"\x03\x00"


def compress(data: Iterable[bytes]) -> Iterator[bytes]:
    """The gzip stream of the data, about one piece per block; at most two blocks per thread are held."""
    yield _HEADER
    checksum = size = 0
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[bytes]] = deque()
        for block in blocks(data):
            checksum = zlib.crc32(block, checksum)
            size += len(block)
            waiting.append(pool.submit(_deflate, block))
            if len(waiting) >= 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    yield _LAST_BLOCK + struct.pack("<II", checksum, size & 0xFFFFFFFF)


def blocks(data: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of `BLOCK`; only the last may be shorter."""
    buffer = bytearray()
    for piece in data:
        buffer += piece
        while len(buffer) >= BLOCK:
            yield bytes(buffer[:BLOCK])
            del buffer[:BLOCK]
    if buffer:
        yield bytes(buffer)


def _deflate(block: bytes) -> bytes:
    sample = block[:_SAMPLE]
    shrinks = len(zlib.compress(sample, 1)) < _WORTH_IT * len(sample)
    deflate = zlib.compressobj(_LEVEL if shrinks else 0, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(block) + deflate.flush(zlib.Z_SYNC_FLUSH)
