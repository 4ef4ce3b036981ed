"""Archives that depend on their content alone: order, times, owners and modes are fixed."""

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from release.errors import ReleaseError

FILE, PROGRAM = 0o644, 0o755
CHUNK = 1 << 20


def _member(name: str, size: int, epoch: int, *, program: bool = False) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, epoch, PROGRAM if program else FILE
    return member


def tar_gz(files: Mapping[str, tuple[bytes, bool]], epoch: int) -> bytes:
    """A compressed tar of files: name -> content, and whether it is a program."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, (content, program) in sorted(files.items()):
            archive.addfile(_member(name, len(content), epoch, program=program), io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), compresslevel=9, mtime=epoch)


def normalized(archive: bytes, epoch: int) -> bytes:
    """A compressed tar in the fixed form. Raises ReleaseError when it holds more than files and folders."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as given:
        return tar_gz(dict(_files(given)), epoch)


def _files(archive: tarfile.TarFile) -> Iterator[tuple[str, tuple[bytes, bool]]]:
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is not None:
            yield member.name, (content.read(), bool(member.mode & 0o100))
        elif not member.isdir():
            raise ReleaseError(f"The archive holds {member.name}, which is neither a file nor a folder.")


def write_tar(folder: Path, target: Path, epoch: int) -> None:
    """Writes the files of a folder as an uncompressed tar, without holding them in memory."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                with path.open("rb") as content:
                    _add(archive, path.relative_to(folder).as_posix(), path.stat().st_size, epoch, content)


def _add(archive: tarfile.TarFile, name: str, size: int, epoch: int, content: IO[bytes]) -> None:
    archive.addfile(_member(name, size, epoch), content)
