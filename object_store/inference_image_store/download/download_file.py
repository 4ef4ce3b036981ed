"""Downloads one object to a temporary file beside its target, in ranges that several threads receive at once."""

import contextlib
import errno
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import urllib3

from inference_image_store import errors
from inference_image_store.client.etag import BLOCK, Blocks, etag_of_blocks, is_ufile_etag
from inference_image_store.client.objects import SHA256_HEADER, ObjectInfo
from inference_image_store.client.wire import Wire
from inference_image_store.errors import TransientError
from inference_image_store.transfers import limits
from inference_image_store.transfers.ordered_hash import OrderedHash
from inference_image_store.transfers.parallel import Task
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer

RANGE = 4 * BLOCK
"""Bytes per range request: whole blocks of an ETag. Each range has its own attempts, so a long download survives many
short interruptions."""

_LOG = logging.getLogger(__name__)
_PARTIAL = 206
_NO_PREALLOCATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@dataclass
class _Range:
    """Bytes `start` to `end` (exclusive); those before `position` are in the file already."""

    start: int
    end: int
    position: int
    blocks: Blocks = field(default_factory=Blocks)


class FileDownload:
    """The download of one object; another attempt follows when the received bytes are wrong."""

    def __init__(self, wire: Wire, retry: Retry, transfer: Transfer, info: ObjectInfo, target: Path) -> None:
        self.info = info
        self.fault: TransientError | None = None
        """Why the received bytes are wrong; None while no error is known."""
        self._wire = wire
        self._retry = retry
        self._transfer = transfer
        self._target = target
        self._path = target.with_name(f".{secrets.token_hex(8)}.part")
        self._descriptor = -1
        self._opening = threading.Lock()

    def tasks(self) -> Iterator[Task]:
        """The tasks of this download, for any threads; the last to end moves the file to its target."""
        if self.fault:
            self._transfer.moved(-self.info.size)
        self.fault = None
        starts = range(0, self.info.size, RANGE) or (0,)
        self._ranges = [_Range(start, min(start + RANGE, self.info.size), start) for start in starts]
        self._order = OrderedHash(self._read, self.info.size)
        return (partial(self._receive, part) for part in self._ranges)

    def discard(self) -> None:
        """Removes the temporary file of a failed download."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._path.unlink(missing_ok=True)

    def _receive(self, part: _Range) -> None:
        """Receives one range; each attempt continues where the last one stopped."""
        self._open()
        attempt = partial(self._continue, part) if self.info.size else self._empty
        self._retry.call(attempt, self._transfer.sleep)
        if self._order.moved(part.start, part.end, wanted=bool(self.info.sha256)):
            self._land()

    def _open(self) -> None:
        """A new file with default permissions and its full size allocated."""
        with self._opening:
            if self._descriptor >= 0:
                return
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            if not self.info.size:
                return
            try:
                os.posix_fallocate(self._descriptor, 0, self.info.size)
            except OSError as error:
                if error.errno not in _NO_PREALLOCATION:
                    raise limits.no_room(self._transfer.what, error.strerror or "") from error

    def _continue(self, part: _Range) -> None:
        wanted = f"bytes {part.position}-{part.end - 1}/{self.info.size}"
        headers = {"Range": wanted.replace(" ", "=").partition("/")[0]}
        self._transfer.check()
        watch = self._transfer.watch(self._wire.bucket, self.info.key)
        with self._wire.send("GET", self.info.key, headers=headers) as response:
            self._check(response, wanted)
            for chunk in self._wire.chunks(self.info.key, response, watch):
                if part.position + len(chunk) > part.end:
                    raise errors.unavailable(self._wire.bucket, self.info.key, "it sent more bytes than requested")
                self._write(chunk, part.position)
                part.blocks.update(chunk)
                part.position += len(chunk)
        if part.position < part.end:
            raise errors.unavailable(self._wire.bucket, self.info.key, "the reply ended early")

    def _empty(self) -> None:
        """An empty object has no ranges to request."""
        with self._wire.send("HEAD", self.info.key) as response:
            self._check_etag(response)

    def _write(self, chunk: bytes, position: int) -> None:
        try:
            rest = memoryview(chunk)
            while rest:
                count = os.pwrite(self._descriptor, rest, position)
                rest, position = rest[count:], position + count
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise limits.no_room(self._transfer.what, error.strerror or "") from error

    def _read(self, position: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, position)

    def _check(self, response: urllib3.BaseHTTPResponse, wanted: str) -> None:
        self._check_etag(response)
        actual = response.headers.get("Content-Range", "")
        if response.status != _PARTIAL or actual != wanted:
            detail = f"a request for {wanted} returned {response.status} {errors.sanitize(actual)}"
            raise errors.unavailable(self._wire.bucket, self.info.key, detail)
        if sha256 := response.headers.get(SHA256_HEADER, "").lower():
            self.info = replace(self.info, sha256=sha256)

    def _check_etag(self, response: urllib3.BaseHTTPResponse) -> None:
        etag = response.headers.get("ETag", "").strip('"')
        if etag != self.info.etag:
            raise errors.changed(self._wire.bucket, self.info.key, f"ETag {self.info.etag}", f"ETag {etag}")

    def _land(self) -> None:
        """Moves the file to its target, or raises TransientError for another attempt."""
        self.fault = self._difference()
        if self.fault:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        try:
            self._path.replace(self._target)
        except OSError:
            with contextlib.suppress(OSError):
                self._path.unlink()
            raise

    def _difference(self) -> TransientError | None:
        info, bucket = self.info, self._wire.bucket
        if info.size and is_ufile_etag(info.etag):
            etag = etag_of_blocks([digest for part in self._ranges for digest in part.blocks.digests()])
            if etag != info.etag:
                return errors.corrupt(bucket, info.key, f"its ETag is {info.etag}, that of the bytes is {etag}")
        elif info.size:
            how = "its SHA-256" if info.sha256 else "its size only"
            _LOG.warning(
                "The ETag of %s was not computed by UFile: verified by %s.", errors.describe(bucket, info.key), how
            )
        if info.sha256 and (sha256 := self._order.hexdigest()) != info.sha256:
            return errors.corrupt(bucket, info.key, f"its SHA-256 is {info.sha256}, that of the bytes is {sha256}")
        return None
