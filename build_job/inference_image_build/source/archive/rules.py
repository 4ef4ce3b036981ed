"""What an archive may hold: its limits, and the names and kinds of entries that become files. Pure."""

from typing import NamedTuple

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.source.files import MAX_BYTES, MAX_FILES, path_fault
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

MIB = 1 << 20


class Limits(NamedTuple):
    """The most of an archive that is taken. Sizes are bytes."""

    packed: int = 1024 * MIB
    """Of the archive itself."""
    entries: int = 4 * MAX_FILES
    """Files and folders."""
    files: int = MAX_FILES
    file: int = 1024 * MIB
    """Of one file, unpacked."""
    total: int = MAX_BYTES
    """Of all files, unpacked."""
    ratio: int = 100
    """Unpacked over packed: source code comes to about 10, a bomb to 1,000 and more."""
    ratio_from: int = 64 * MIB
    """Unpacked bytes from which `ratio` counts: a few files of zeros are no bomb."""
    header: int = MIB
    """Of what describes one entry."""


class Rules:
    """Judges the entries of one archive, in their order. `name` is its key, for messages; `packed` its bytes.

    Every method raises StageError: `ArchiveUnsafe`, `ArchiveTooLarge`, `ArchiveInvalid`.
    """

    def __init__(self, name: str, packed: int, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self._packed = packed
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._entries = 0
        self._total = 0

    def folder(self, entry: str) -> None:
        """Admits a folder. Archives name one more than once; that harms nobody."""
        self._count()
        path = entry.rstrip("/")
        if path in {"", "."}:  # `tar czf x.tar.gz .` begins with the folder itself
            return
        path = self._safe(entry, path)
        if path in self._files:
            raise self.unsafe(entry, "is a file and a folder at once")
        self._enter(f"{path}/")

    def file(self, entry: str, size: int) -> str:
        """Admits a file of `size` bytes by its header; its path in the build context."""
        self._count()
        path = self._safe(entry, entry)
        if path in self._files:
            raise self.unsafe(entry, "is there twice")
        if path in self._folders:
            raise self.unsafe(entry, "is a file and a folder at once")
        self._enter(path)
        self._files.add(path)
        if len(self._files) > self.limits.files:
            raise self.too_large(f"more than {self.limits.files} files")
        if size > self.limits.file:
            raise self.too_large(f"the file {entry!r} of {size} bytes; one file may have {self.limits.file}")
        self._total += size
        self.unpacked(self._total)
        return path

    def unpacked(self, size: int) -> None:
        """Checks the bytes that were, or would be, unpacked so far."""
        if size > self.limits.total:
            raise self.too_large(f"more than {self.limits.total} bytes when it is unpacked")
        if size > self.limits.ratio_from and size > self._packed * self.limits.ratio:
            raise self.too_large(
                f"more than {self.limits.ratio} times its own {self._packed} bytes when it is unpacked, as bombs do"
            )

    def unsafe(self, entry: str, fault: str) -> StageError:
        """Why an entry is refused, as a clause about it."""
        return StageError(
            Reason.ARCHIVE_UNSAFE,
            f"The archive {self.name} is refused: its entry {entry[:200]!r} {fault}. Nothing was unpacked.",
            f"Make the archive anew from plain files and folders, {REQUEST_AGAIN}",
        )

    def too_large(self, what: str) -> StageError:
        """Which limit it trips, as what it holds."""
        return StageError(
            Reason.ARCHIVE_TOO_LARGE,
            f"The archive {self.name} holds {what}.",
            f"Keep data and results out of the archive: it is for code and configuration; {REQUEST_AGAIN}",
        )

    def invalid(self, what: str) -> StageError:
        """Why it cannot be read."""
        return invalid(self.name, what)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self.limits.entries:
            raise self.too_large(f"more than {self.limits.entries} entries")

    def _safe(self, entry: str, path: str) -> str:
        """The path without the `./` that `tar` puts before each when it is given a folder."""
        path = path.removeprefix("./")
        if fault := name_fault(path):
            raise self.unsafe(entry, fault)
        return path

    def _enter(self, path: str) -> None:
        """Notes the folders above a file, which must not be files, too."""
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            folder = "/".join(parts[:count])
            if folder in self._files:
                raise self.unsafe(folder, "is a file and a folder at once")
            self._folders.add(folder)


def name_fault(path: str) -> str:
    """Why a name from outside cannot become a path, as a clause; empty when it can."""
    if path.startswith("/"):
        return "has an absolute path"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if "\\" in path:
        return "has a backslash in its name"
    return path_fault(path)


def invalid(name: str, what: str) -> StageError:
    """The error for an archive that cannot be read; `what` says why."""
    return StageError(
        Reason.ARCHIVE_INVALID,
        f"The archive {name} cannot be read: {what}.",
        f"Make it anew with `tar czf` or `zip`, upload it, {REQUEST_AGAIN}",
    )
