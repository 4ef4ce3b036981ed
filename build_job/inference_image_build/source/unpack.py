"""Pins the files of an archive or a commit for `resolve`, and writes them for `assemble`."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from inference_image_build.source.source_entry import SourceEntry
from inference_image_contract.inputs import PinnedFile


def pin(
    entries: Iterable[SourceEntry], wanted: Collection[str], limit: int
) -> tuple[tuple[PinnedFile, ...], Mapping[str, bytes]]:
    """The files with their SHA-256, and the content of those in `wanted`: at most `limit` + 1 bytes of each."""
    files, texts = [], {}
    for entry in entries:
        digest, text = hashlib.sha256(), b""
        for data in entry.content:
            digest.update(data)
            if entry.path in wanted:
                text += data[: limit + 1 - len(text)]
        files.append(PinnedFile(path=entry.path, size=entry.size, sha256=digest.hexdigest()))
        if entry.path in wanted:
            texts[entry.path] = text
    return tuple(files), texts


def place(entries: Iterable[SourceEntry], pinned: Iterable[PinnedFile], target: Callable[[str], Path]) -> Iterator[str]:
    """Writes the pinned files; yields the path of each that is missing or differs from what was pinned."""
    missing = {item.path: item for item in pinned}
    for entry in entries:
        item = missing.pop(entry.path, None)
        if item is None:  # .dockerignore excludes it
            continue
        digest = hashlib.sha256()
        with target(entry.path).open("wb") as file:
            for data in entry.content:
                digest.update(data)
                file.write(data)
        if digest.hexdigest() != item.sha256:
            yield entry.path
    yield from missing
