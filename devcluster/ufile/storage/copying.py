"""Server-side copies: of an object, or of a range as a part of a multipart upload."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from devcluster.ufile.protocol import errors
from devcluster.ufile.protocol.request import Request
from devcluster.ufile.storage import archive
from devcluster.ufile.storage.disk import Bucket, Record

SOURCE = "X-Ufile-Copy-Source"
SOURCE_RANGE = "X-Ufile-Copy-Source-Range"
MAX_COPY = 100 * 1024 * 1024
"""Maximal bytes of one Copy (API copy.md: "below 100 MB", above it UploadPartCopy)."""
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Source(NamedTuple):
    """The source of a copy."""

    bucket: Bucket
    record: Record

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the object."""
        with self.bucket.open(self.record) as file:
            file.seek(start)
            return file.read(length)


def place(request: Request) -> tuple[str, str]:
    """Bucket and key of the source: `/bucket/key`, percent-encoded or not."""
    bucket, _, key = unquote(request.headers.get(SOURCE, "")).removeprefix("/").partition("/")
    return bucket, key


def readable(bucket: Bucket, key: str, now: float) -> Source:
    """The source; raises UFileError when it is absent or archived."""
    record = bucket.get(key)
    if not archive.is_readable(record, now):
        raise errors.archived()
    return Source(bucket, record)


def part_range(request: Request, size: int, limit: int) -> tuple[int, int]:
    """First and last byte of the part, inclusive, of a source of `size` bytes.

    Raises UFileError for a range that is missing, malformed, outside the source, or longer than `limit` bytes.
    """
    match = _RANGE.fullmatch(request.headers.get(SOURCE_RANGE, ""))
    if match is None:
        raise errors.bad_copy_range()
    first, last = int(match[1]), int(match[2])
    if not first <= last < size:
        raise errors.bad_copy_range()
    if last - first >= limit:
        raise errors.too_large()
    return first, last
