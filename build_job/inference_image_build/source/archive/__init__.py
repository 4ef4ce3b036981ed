"""An archive as a source: its format by name, its files, and its SHA-256."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from inference_image_build.source.archive import tar_entries, zip_entries
from inference_image_build.source.archive.rules import Limits, Rules, invalid
from inference_image_build.source.source_entry import SourceEntry

LIMITS = Limits()
_READERS = {".tar.gz": tar_entries.entries, ".tgz": tar_entries.entries, ".zip": zip_entries.entries}


def entries(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[SourceEntry]:
    """The files of the archive at `path`, whose format `name` (its key) tells. Read each before the next.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    read = next((reader for suffix, reader in _READERS.items() if name.lower().endswith(suffix)), None)
    if read is None:
        raise invalid(name, f"its name must end in one of {', '.join(_READERS)}")
    return read(path, Rules(name, path.stat().st_size, limits))


def sha256(path: Path) -> str:
    """Hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
