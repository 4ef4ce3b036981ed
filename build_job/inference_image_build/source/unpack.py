"""Pins the files of an archive or a commit for `resolve`, and writes them for `assemble`."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from inference_image_build.source.source_entry import SourceEntry
from inference_image_contract.inputs import PinnedFile


def pin(
    entries: Iterable[SourceEntry], wanted: Callable[[str], bool], limit: int
) -> tuple[tuple[PinnedFile, ...], Mapping[str, bytes]]:
    """The files with their SHA-256, and the content of those that are `wanted`: at most `limit` + 1 bytes of each."""
    files, texts = [], {}
    for entry in entries:
        digest, text, keep = hashlib.sha256(), b"", wanted(entry.path)
        for data in entry.content:
            digest.update(data)
            if keep:
                text += data[: limit + 1 - len(text)]
        sha256 = digest.hexdigest()
        files.append(PinnedFile(path=entry.path, size=entry.size, sha256=sha256, executable=entry.executable))
        if keep:
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
