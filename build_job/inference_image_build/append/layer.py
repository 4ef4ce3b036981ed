"""A layer: its entries, its digests, and its bytes on demand."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inference_image_build.append import gzip, tar
from inference_image_build.append.files import Entry


@dataclass(frozen=True)
class Layer:
    """One layer."""

    entries: tuple[Entry, ...]
    created_by: str
    diff_id: str
    """`sha256:<hex>` of the tar archive."""
    digest: str
    """`sha256:<hex>` of the compressed archive."""
    size: int
    """Bytes of the compressed archive."""

    def content(self) -> Iterator[bytes]:
        """The compressed archive, made again from the files on each call, so that it is never stored."""
        return gzip.compress(tar.stream(self.entries))


def measured(created_by: str, entries: tuple[Entry, ...]) -> Layer:
    """The layer of these entries; reads the files once to compute its digests."""
    plain, packed, size = hashlib.sha256(), hashlib.sha256(), 0
    for piece in gzip.compress(_through(tar.stream(entries), plain.update)):
        packed.update(piece)
        size += len(piece)
    return Layer(entries, created_by, f"sha256:{plain.hexdigest()}", f"sha256:{packed.hexdigest()}", size)


def _through(data: Iterable[bytes], seen: Callable[[bytes], None]) -> Iterator[bytes]:
    for piece in data:
        seen(piece)
        yield piece
