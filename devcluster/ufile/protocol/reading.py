"""GET and HEAD of an object: conditions, ranges and headers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import BinaryIO

from devcluster.ufile.protocol import errors
from devcluster.ufile.protocol.errors import UFileError
from devcluster.ufile.protocol.request import Request
from devcluster.ufile.storage import archive
from devcluster.ufile.storage.disk import Bucket, Record

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Slice:
    """`length` bytes of an object, from `start`."""

    bucket: Bucket
    record: Record
    start: int
    length: int

    def open(self) -> BinaryIO:
        """The object's bytes, at `start`."""
        file = self.bucket.open(self.record)
        file.seek(self.start)
        return file


def read(bucket: Bucket, request: Request, now: float) -> tuple[int, bytes | Slice, dict[str, str]]:
    """Status, content and headers of the reply.

    Raises UFileError for a missing or archived object and for a range beyond the end. HEAD of an archived object is
    rejected, as documented (introduction/storage_type); SDKs in the field read X-Ufile-Restore from HEAD.
    """
    record = bucket.get(request.key)
    if not archive.is_readable(record, now):
        raise errors.archived()
    headers = {
        "ETag": f'"{record.etag}"',
        "Last-Modified": formatdate(record.modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if _not_modified(record, request.headers):
        return 304, b"", headers
    headers["Content-Type"] = record.mime_type
    headers |= archive.headers(record)
    headers |= {f"X-Ufile-Meta-{name.title()}": value for name, value in record.metadata.items()}
    bounds = _range(request.headers.get("Range", ""), record.size)
    if bounds is None:
        return 200, Slice(bucket, record, 0, record.size), headers
    start, end = bounds
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    return 206, Slice(bucket, record, start, end - start), headers


def _not_modified(record: Record, headers: Mapping[str, str]) -> bool:
    if etag := headers.get("If-None-Match", ""):
        return etag.strip('"') == record.etag
    if since := headers.get("If-Modified-Since", ""):
        return record.modified <= parsedate_to_datetime(since).timestamp()
    return False


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of the requested range; None for the whole object and for a malformed header."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last or size) + 1, size)
    if start >= end:
        raise UFileError(416, -1, "range not satisfiable")  # its RetCode is not documented
    return start, end
