"""An archive as a source: its format by name, its files, and its SHA-256."""

from collections.abc import Iterator
from pathlib import Path

from inference_image_build.source.archive import tar_entries, zip_entries
from inference_image_build.source.archive.rules import Limits, Rules, invalid
from inference_image_build.source.source_entry import SourceEntry

LIMITS = Limits()
_READERS = {".tar.gz": tar_entries.entries, ".tgz": tar_entries.entries, ".zip": zip_entries.entries}
_GZIP, _ZIP = "a gzip file", "a .zip archive"
_FORMS_OF = {tar_entries.entries: {_GZIP}, zip_entries.entries: {_ZIP}}
_BEGINNINGS = {
    b"\x1f\x8b": _GZIP,
    b"pk\x03\x04": _ZIP,
    b"pk\x05\x06": _ZIP,
    b"7z\xbc\xaf\x27\x1c": "a .7z archive",
    b"rar!": "a .rar archive",
    b"\xfd7zxz": "an .xz file",
    b"bzh": "a .bz2 file",
    b"\x28\xb5\x2f\xfd": "a .zst file",
    b"<!doctype html": "a web page, such as that of a login",
    b"<html": "a web page, such as that of a login",
}
"""The first bytes of files that people give the name of an archive; letters in lower case."""
_TAR = slice(257, 262), b"ustar"
_HEAD = 512


def entries(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[SourceEntry]:
    """The files of the archive at `path`, whose format `name` (its key) tells. Read each before the next.

    Raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """
    read = next((reader for suffix, reader in _READERS.items() if name.lower().endswith(suffix)), None)
    if read is None:
        raise invalid(name, f"its name must end in one of {', '.join(_READERS)}")
    form = _form(path)
    if form and form not in _FORMS_OF[read]:
        raise invalid(name, f"its bytes are those of {form}, which its name does not say")
    return read(path, Rules(name, path.stat().st_size, limits))


def _form(path: Path) -> str:
    """The form of a file by its first bytes; empty for an unknown one."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[_TAR[0]] == _TAR[1]:
        return "an uncompressed tar archive"
    return next((form for begin, form in _BEGINNINGS.items() if head.lower().startswith(begin)), "")
