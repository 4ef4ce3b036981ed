"""Verifies a downloaded checkpoint before TensorFlow is imported, to report damage within a second."""

import mmap
from collections.abc import Iterable
from pathlib import Path

import google_crc32c

from inference_image_contract.checkpoint_index import InvalidIndexError, Tensor, shard_sizes, tensors
from inference_image_contract.progress import Meter, Unit, What
from inference_image_export import failures
from inference_image_export.fetch import Source


def check(source: Source) -> None:
    """Compares the data files with the index: their sizes, and the checksum of every tensor.

    Raises StageError (`CheckpointDamaged`), which names the damaged part.
    """
    index = source.checkpoint_prefix.with_name(source.checkpoint_prefix.name + ".index")
    data = index.read_bytes()
    try:
        sizes, entries = shard_sizes(data), tensors(data)
    except InvalidIndexError as error:
        raise failures.damaged(f"its index {error}", source) from error
    if sizes is None or entries is None:  # a compressed index, which only TensorFlow itself reads
        return
    meter = Meter(What.CHECK, len(entries), Unit.TENSORS)
    for shard, size in enumerate(sizes):
        path = index.with_suffix(f".data-{shard:05}-of-{len(sizes):05}")
        _check_shard(path, size, (entry for entry in entries if entry.shard == shard), source, meter)


def _check_shard(path: Path, size: int, entries: Iterable[Tensor], source: Source, meter: Meter) -> None:
    if not path.is_file():
        raise failures.damaged(f"its index lists {path.name}, which is missing", source)
    have = path.stat().st_size
    if have < size:
        raise failures.damaged(f"{path.name} has {have} bytes, but its index says {size}", source)
    if not size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        wrong = next((entry for entry in entries if _crc32c(data, entry, meter) != entry.crc32c), None)
    if wrong:
        raise failures.damaged(f"the values of {wrong.name} in {path.name} do not match their checksum", source)


def _crc32c(data: mmap.mmap, entry: Tensor, meter: Meter) -> int:
    """The checksum of one tensor. It copies the tensor: the largest of a detector has a few MB."""
    found = int(google_crc32c.value(data[entry.offset : entry.offset + entry.size]))
    meter.at(meter.done + 1)
    return found
