"""One file of a source that is fetched as a whole: an archive, or a commit of a Git repository."""

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from inference_image_contract.errors import StageError

CHUNK = 256 * 1024


class Member(NamedTuple):
    """Path in the build context, size in bytes, and the content, which can be taken once."""

    path: str
    size: int
    content: Iterator[bytes]


class Broken(NamedTuple):
    """How a reader fails on bytes that are damaged, and what a sentence about that becomes."""

    errors: tuple[type[Exception], ...]
    explain: Callable[[str], StageError]


def chunks(file: IO[bytes], size: int, broken: Broken) -> Iterator[bytes]:
    """The content in pieces, never more than was announced.

    Raises what `broken` makes of it when it is damaged, or when there is less or more of it.
    """
    left = size
    while left:
        data = _read(file, min(CHUNK, left), broken)
        if not data:
            raise broken.explain(f"a file ends {left} bytes before its end")
        left -= len(data)
        yield data
    if _read(file, 1, broken):
        raise broken.explain("a file is longer than its header says")


def _read(file: IO[bytes], size: int, broken: Broken) -> bytes:
    try:
        return file.read(size)
    except broken.errors as error:
        raise broken.explain(str(error) or type(error).__name__) from error
