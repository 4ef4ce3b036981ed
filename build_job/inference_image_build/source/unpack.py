"""What `resolve` and `assemble` do with the files of a source that is fetched as a whole: pin them, and place them."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from inference_image_build.source.source_entry import Member
from inference_image_contract.inputs import PinnedFile


def pin(
    members: Iterable[Member], wanted: Collection[str], limit: int
) -> tuple[tuple[PinnedFile, ...], Mapping[str, bytes]]:
    """The files with their SHA-256, and the content of those that are `wanted`: `limit` bytes of each, and one more."""
    files, texts = [], {}
    for member in members:
        digest, text = hashlib.sha256(), b""
        for data in member.content:
            digest.update(data)
            if member.path in wanted:
                text += data[: limit + 1 - len(text)]
        files.append(PinnedFile(path=member.path, size=member.size, sha256=digest.hexdigest()))
        if member.path in wanted:
            texts[member.path] = text
    return tuple(files), texts


def place(members: Iterable[Member], pinned: Iterable[PinnedFile], target: Callable[[str], Path]) -> Iterator[str]:
    """Writes the pinned files; yields the path of each that is not there, or is not as it was pinned."""
    missing = {item.path: item for item in pinned}
    for member in members:
        item = missing.pop(member.path, None)
        if item is None:  # .dockerignore keeps it out
            continue
        digest = hashlib.sha256()
        with target(member.path).open("wb") as file:
            for data in member.content:
                digest.update(data)
                file.write(data)
        if digest.hexdigest() != item.sha256:
            yield member.path
    yield from missing
