"""One file of an archive, or of a commit of a Git repository."""

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from inference_image_contract.errors import StageError

CHUNK = 256 * 1024


class SourceEntry(NamedTuple):
    """Path in the build context, size in bytes, the content, which can be read once, and whether it is executable."""

    path: str
    size: int
    content: Iterator[bytes]
    executable: bool = False
    """The owner's executable bit, as in Git. Nothing else of a mode is content."""


class ReadErrors(NamedTuple):
    """The errors of a reader for damaged bytes, and how to explain them."""

    errors: tuple[type[Exception], ...]
    explain: Callable[[str], StageError]


def chunks(file: IO[bytes], size: int, read_errors: ReadErrors) -> Iterator[bytes]:
    """The content in pieces of at most `CHUNK` bytes, `size` bytes in all.

    Raises the explained error when it is damaged, or shorter or longer than `size`.
    """
    left = size
    while left:
        data = _read(file, min(CHUNK, left), read_errors)
        if not data:
            raise read_errors.explain(f"a file is {left} bytes shorter than its header says")
        left -= len(data)
        yield data
    if _read(file, 1, read_errors):
        raise read_errors.explain("a file is longer than its header says")


def _read(file: IO[bytes], size: int, read_errors: ReadErrors) -> bytes:
    try:
        return file.read(size)
    except read_errors.errors as error:
        raise read_errors.explain(str(error) or type(error).__name__) from error
