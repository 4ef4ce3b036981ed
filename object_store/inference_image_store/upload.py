"""Uploads with checksums: one PUT for what is small, parts for what is large."""

import contextlib
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeVar
from urllib.parse import quote

import msgspec
import requests

from inference_image_contract.errors import StageError
from inference_image_store import failures
from inference_image_store.etag import ETag, part_etag
from inference_image_store.failures import TransientError
from inference_image_store.objects import SHA256_HEADER, NewUpload, ObjectInfo, Parts
from inference_image_store.retry import Retry
from inference_image_store.wire import Wire

MULTIPART_ABOVE = 64 * 1024 * 1024
"""Bytes up to which an object is sent in one request."""

_MAX_ANSWER = 1024 * 1024
_MAX_BLOCK = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
T = TypeVar("T")

_HEADERS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class Checksums:
    """What identifies some bytes."""

    size: int
    etag: str
    md5: str
    sha256: str


def checksums(file: BinaryIO) -> Checksums:
    """All checksums of a stream, in one pass from its start."""
    file.seek(0)
    etag, md5, sha256, size = ETag(), hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        etag.update(chunk)
        md5.update(chunk)
        sha256.update(chunk)
    return Checksums(size, etag.value(), md5.hexdigest(), sha256.hexdigest())


def matches(info: ObjectInfo, sums: Checksums) -> bool:
    """Whether the stored object is those bytes."""
    return info.size == sums.size and (info.etag == sums.etag or not sums.size)


class Multipart:
    """One object in parts. What was begun and failed is aborted: the service would keep, and charge for, its parts."""

    def __init__(self, wire: Wire, retry: Retry, key: str, sums: Checksums) -> None:
        self._wire = wire
        self._retry = retry
        self._key = key
        self._headers = _HEADERS | {SHA256_HEADER: sums.sha256}

    def run(self, file: BinaryIO) -> None:
        """Uploads the stream.

        Raises StageError, or TransientError when a part was stored wrong, which only a new upload repairs. When the
        last answer was lost, the object may be there all the same.
        """
        upload = self._retry.call(self._begin)
        try:
            etags = list(self._parts(upload, file))
            self._retry.call(partial(self._finish, upload, etags))
        except BaseException:
            self._abort(upload)
            raise

    def _begin(self) -> NewUpload:
        with self._wire.send("POST", self._key, query="uploads", headers=self._headers) as response:
            upload = self._decode(response, NewUpload)
        if not 0 < upload.block <= _MAX_BLOCK:
            raise failures.unavailable(self._wire.bucket, self._key, f"its part size is {upload.block}")
        return upload

    def _parts(self, upload: NewUpload, file: BinaryIO) -> Iterator[str]:
        """Sends every part and yields its ETag."""
        file.seek(0)
        for number in itertools.count():
            part = file.read(upload.block)
            if not part:
                return
            etag = self._retry.call(partial(self._part, upload, number, part))
            if etag != part_etag(part):
                raise failures.corrupt(self._wire.bucket, self._key, f"part {number} was stored with ETag {etag}")
            yield etag

    def _part(self, upload: NewUpload, number: int, part: bytes) -> str:
        """Sends one part and returns the ETag of what is stored.

        A failure may have come after the part was stored, and the service refuses a part twice: then it is asked.
        """
        try:
            return self._put_part(upload, number, part)
        except TransientError:
            if etag := self._stored(upload, number):
                return etag
            raise

    def _put_part(self, upload: NewUpload, number: int, part: bytes) -> str:
        query = f"uploadId={quote(upload.id, safe='')}&partNumber={number}"
        with self._wire.send("PUT", self._key, query=query, headers=_HEADERS, data=part) as response:
            return response.headers.get("ETag", "").strip('"')

    def _stored(self, upload: NewUpload, number: int) -> str:
        """The ETag of a part that arrived, or nothing."""
        marker = f"&part-number-marker={number - 1}" if number else ""
        query = f"muploadpart&uploadId={quote(upload.id, safe='')}&max-parts=1{marker}"
        with self._wire.send("GET", "", query=query) as response:
            listed = self._decode(response, Parts)
        return next((part.etag.strip('"') for part in listed.parts if part.number == number), "")

    def _finish(self, upload: NewUpload, etags: list[str]) -> None:
        query = f"uploadId={quote(upload.id, safe='')}"
        data = ",".join(etags).encode()
        with self._wire.send("POST", self._key, query=query, headers=self._headers, data=data):
            pass  # the object is asked for afterwards, which says more than this answer

    def _abort(self, upload: NewUpload) -> None:
        """Frees the parts, in one attempt: what failed before matters more than whether this works."""
        with (
            contextlib.suppress(StageError),
            self._wire.send("DELETE", self._key, query=f"uploadId={quote(upload.id, safe='')}"),
        ):
            pass

    def _decode(self, response: requests.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self._wire.body(self._key, response, _MAX_ANSWER), type=kind, strict=False)
        except msgspec.DecodeError as error:
            raise failures.unavailable(self._wire.bucket, self._key, "its answer is malformed") from error
