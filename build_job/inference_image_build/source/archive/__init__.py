"""An archive as a source: which kind it is by its name, its files, and its SHA-256."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from inference_image_build.source.archive import tar_entries, zip_entries
from inference_image_build.source.archive.rules import Limits, Rules, invalid
from inference_image_build.source.source_entry import Member

LIMITS = Limits()
_READERS = {".tar.gz": tar_entries.members, ".tgz": tar_entries.members, ".zip": zip_entries.members}


def members(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[Member]:
    """The files of the archive at `path`, whose kind `name` (its key) tells; each must be read before the next.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    read = next((reader for suffix, reader in _READERS.items() if name.lower().endswith(suffix)), None)
    if read is None:
        raise invalid(name, f"its name ends in none of {', '.join(_READERS)}")
    return read(path, Rules(name, path.stat().st_size, limits))


def sha256(path: Path) -> str:
    """Hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
