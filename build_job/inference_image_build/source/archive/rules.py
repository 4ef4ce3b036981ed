"""What an archive may contain: limits, and which names and kinds of entries are accepted. Pure."""

from typing import NamedTuple

from inference_image_build.source.files import MAX_BYTES, MAX_FILES, path_fault
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

MIB = 1 << 20


class Limits(NamedTuple):
    """Limits of an archive. Sizes are in bytes."""

    packed: int = 1024 * MIB
    """Size of the archive itself."""
    entries: int = 4 * MAX_FILES
    """Number of files and folders."""
    files: int = MAX_FILES
    file: int = 1024 * MIB
    """Size of one file, unpacked."""
    total: int = MAX_BYTES
    """Size of all files, unpacked."""
    ratio: int = 100
    """Unpacked size over packed size: about 10 for source code, 1,000 and more for a bomb."""
    ratio_from: int = 64 * MIB
    """Unpacked bytes from which `ratio` applies: a few files of zeros are not a bomb."""
    header: int = MIB
    """Size of the headers of one entry, all together: an entry can have any number of them."""
    headers: int = 32 * MIB
    """Size of the headers of all entries. A header costs more to read than the bytes of a file."""
    names: int = 4 * MIB
    """Length of all names, which are kept with those of their folders."""


class Rules:
    """Checks the entries of one archive, in order. `name` is its key, for messages; `packed` its size in bytes.

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
        self._names = 0

    def folder(self, entry: str) -> None:
        """Accepts a folder. Archives may list one more than once, which is harmless."""
        self._count()
        path = entry.rstrip("/")
        if path in {"", "."}:  # `tar czf x.tar.gz .` starts with the folder itself
            return
        path = self._safe(entry, path)
        if path in self._files:
            raise self.unsafe(entry, "is both a file and a folder")
        self._enter(f"{path}/")

    def file(self, entry: str, size: int) -> str:
        """Accepts a file of `size` bytes by its header. Returns its path in the build context."""
        self._count()
        path = self._safe(entry, entry)
        if path in self._files:
            raise self.unsafe(entry, "appears twice")
        if path in self._folders:
            raise self.unsafe(entry, "is both a file and a folder")
        self._enter(path)
        self._files.add(path)
        if len(self._files) > self.limits.files:
            raise self.too_large(f"more than {self.limits.files} files")
        if size > self.limits.file:
            raise self.too_large(f"the file {entry!r} of {size} bytes; the limit is {self.limits.file}")
        self._total += size
        self.unpacked(self._total)
        return path

    def unpacked(self, size: int) -> None:
        """Checks the number of bytes unpacked so far, or about to be."""
        if size > self.limits.total:
            raise self.too_large(f"more than {self.limits.total} bytes after unpacking")
        if size > self.limits.ratio_from and size > self._packed * self.limits.ratio:
            raise self.too_large(
                f"more than {self.limits.ratio} times its own {self._packed} bytes after unpacking, like a zip bomb"
            )

    def unsafe(self, entry: str, fault: str) -> StageError:
        """The error for a refused entry; `fault` is a clause about it."""
        return StageError(
            Reason.ARCHIVE_UNSAFE,
            f"The archive {self.name} is refused: its entry {entry[:200]!r} {fault}. Nothing was unpacked.",
            f"Create the archive again from plain files and folders, {REQUEST_AGAIN}",
        )

    def encoding(self, entry: str) -> StageError:
        """The error for a name in an encoding that the archive does not state."""
        return StageError(
            Reason.ARCHIVE_UNSAFE,
            f"The archive {self.name} is refused: the name of its entry {entry[:200]!r} is not UTF-8, but in the code "
            "page of the machine that wrote it (such as GBK), which the archive does not state. Nothing was unpacked.",
            "Create the archive again with UTF-8 names: with `tar czf`, which is part of Windows, or with 7-Zip and "
            f"`-mcu=on`; upload it, {REQUEST_AGAIN}",
        )

    def too_large(self, what: str) -> StageError:
        """The error for an exceeded limit; `what` is what the archive contains."""
        return StageError(
            Reason.ARCHIVE_TOO_LARGE,
            f"The archive {self.name} contains {what}.",
            f"Put only code and configuration into the archive, no data and no results, {REQUEST_AGAIN}",
        )

    def invalid(self, what: str) -> StageError:
        """The error for an archive that cannot be read."""
        return invalid(self.name, what)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self.limits.entries:
            raise self.too_large(f"more than {self.limits.entries} entries")

    def _safe(self, entry: str, path: str) -> str:
        """The checked path, without the `./` that `tar` prepends when it archives a folder."""
        path = path.removeprefix("./")
        if fault := name_fault(path):
            raise self.unsafe(entry, fault)
        self._names += len(path)
        if self._names > self.limits.names:
            raise self.too_large(f"names of more than {self.limits.names} characters")
        return path

    def _enter(self, path: str) -> None:
        """Records the parent folders of a path, which must not also be files."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self._folders:
            if folder in self._files:
                raise self.unsafe(folder, "is both a file and a folder")
            self._folders.add(folder)
            folder = folder.rpartition("/")[0]


def name_fault(path: str) -> str:
    """Why an untrusted name cannot become a path, as a clause; empty when it can."""
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
        f"Create it again with `tar czf` or `zip`, upload it, {REQUEST_AGAIN}",
    )
