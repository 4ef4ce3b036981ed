"""What dulwich raises for damaged objects, explained."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException

from inference_image_build.source.git import failures
from inference_image_build.source.git.remote import Remote

_ERRORS = (
    KeyError,
    IndexError,
    ValueError,
    OverflowError,
    AssertionError,
    OSError,
    zlib.error,
    ApplyDeltaError,
    ChecksumMismatch,
    FileFormatException,
)


@contextmanager
def explained(remote: Remote) -> Iterator[None]:
    """Raises StageError (`GitUnavailable`) for an error in the block that says that an object is damaged."""
    try:
        yield
    except _ERRORS as error:
        raise failures.unavailable(str(remote), f"it sent damaged data ({type(error).__name__})") from error
