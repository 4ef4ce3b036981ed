"""Uploads with checksums: one PUT for small content, parallel parts for large content."""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import quote

import urllib3

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store import errors
from inference_image_store.client.etag import part_etag
from inference_image_store.client.objects import NewUpload, Parts, metadata_headers
from inference_image_store.client.wire import Wire
from inference_image_store.errors import TransientError
from inference_image_store.transfers import parallel
from inference_image_store.transfers.ordered_hash import OrderedHash
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer
from inference_image_store.upload import stale_uploads
from inference_image_store.upload.content import Body, Checksums, Content

_MAX_ANSWER = 1024 * 1024
_MAX_BLOCK = 64 * 1024 * 1024
T = TypeVar("T")

HEADERS = {"Content-Type": "application/octet-stream"}
METADATA_OF_FINISH = {"X-Ufile-Metadata-Directive": "REPLACE"}
"""The object gets the user metadata of the request that finishes its upload (API finish_multipart_upload.md)."""


def put(  # noqa: PLR0917 - everything in one request
    wire: Wire, transfer: Transfer, key: str, content: Content, sums: Checksums, metadata: Mapping[str, str]
) -> str:
    """Stores an object in one request without retries; returns its ETag. The service checks the (hex) MD5.

    Raises StageError; TransientError when a retry may help.
    """
    transfer.check()
    watch = transfer.watch(wire.bucket, key)
    headers = HEADERS | {"Content-MD5": sums.md5} | metadata_headers(sums.sha256, metadata)
    try:
        with wire.send("PUT", key, headers=headers, data=Body(content, 0, content.size, watch)) as response:
            return response.headers.get("ETag", "").strip('"')
    except TransientError:
        watch.undo()
        raise


class Part(Protocol):
    """One attempt to store one part."""

    def send(self, query: str) -> str:
        """Stores the part and returns its ETag from the service. Raises StageError."""
        ...

    def expected(self) -> str:
        """The required ETag; empty when only the whole object can be verified."""
        ...

    def undo(self) -> None:
        """Removes its bytes from the count of the transfer."""
        ...


class SentPart:
    """A part with bytes of a content."""

    def __init__(  # noqa: PLR0917 - what is sent, where to, and how
        self, wire: Wire, transfer: Transfer, key: str, content: Content, hashed: OrderedHash, start: int, length: int
    ) -> None:
        self._wire = wire
        self._key = key
        self._watch = transfer.watch(wire.bucket, key)
        self._body = Body(content, start, length, self._watch)
        self._hashed = hashed
        self._span = start, start + length

    def send(self, query: str) -> str:
        """As `Part.send`."""
        with self._wire.send("PUT", self._key, query=query, headers=HEADERS, data=self._body) as response:
            etag = response.headers.get("ETag", "").strip('"')
        self._hashed.moved(*self._span)
        return etag

    def expected(self) -> str:
        """As `Part.expected`."""
        return part_etag(self._body.sha1())

    def undo(self) -> None:
        """As `Part.undo`."""
        self._watch.undo()


class Multipart:
    """A multipart upload. A failed one is aborted, because the service would keep its parts and charge for them."""

    def __init__(
        self, wire: Wire, retry: Retry, transfer: Transfer, key: str, metadata: Callable[[], Mapping[str, str]]
    ) -> None:
        """`metadata` makes the headers of the object's user metadata, when all parts are stored."""
        self._wire = wire
        self._retry = retry
        self._transfer = transfer
        self._key = key
        self._metadata = metadata

    def run(self, size: int, part: Callable[[int, int], Part]) -> None:
        """Uploads the object; calls `part` with the first byte and the length of each part.

        Raises StageError, or TransientError when it takes a new upload: a part is stored wrong, or another client
        ended this one. When the last reply was lost, the object may exist after all.
        """
        upload = self._retry.call(self._begin, self._transfer.sleep)
        try:
            etags = self._parts(upload, size, part)
            self._retry.call(partial(self._finish, upload, etags), self._transfer.sleep)
        except BaseException:
            with contextlib.suppress(StageError):  # the first failure matters more than a failed abort
                stale_uploads.abort(self._wire, self._key, upload.id)
            raise

    def _begin(self) -> NewUpload:
        self._transfer.check()
        with self._wire.send("POST", self._key, query="uploads", headers=HEADERS) as response:
            upload = self._decode(response, NewUpload)
        if not 0 < upload.block <= _MAX_BLOCK:
            raise errors.unavailable(self._wire.bucket, self._key, f"its part size is {upload.block}")
        return upload

    def _parts(self, upload: NewUpload, size: int, part: Callable[[int, int], Part]) -> list[str]:
        """Sends every part; returns their ETags in order."""
        etags = [""] * -(-size // upload.block)

        def send(number: int) -> None:
            start = number * upload.block
            etags[number] = self._part(upload, number, partial(part, start, min(upload.block, size - start)))

        parallel.run((partial(send, number) for number in range(len(etags))), self._transfer)
        return etags

    def _part(self, upload: NewUpload, number: int, make: Callable[[], Part]) -> str:
        """Sends one part and returns its ETag; raises TransientError when it is stored wrong."""
        stored = self._retry.call(partial(self._put_part, upload, number, make), self._transfer.sleep)
        if stored is None:
            raise errors.unavailable(self._wire.bucket, self._key, "another client ended its upload")
        etag, expected = stored
        if expected and etag != expected:
            raise errors.corrupt(self._wire.bucket, self._key, f"part {number} is stored with ETag {etag}")
        return etag

    def _put_part(self, upload: NewUpload, number: int, make: Callable[[], Part]) -> tuple[str, str] | None:
        """The stored and the sent ETag; None when the upload no longer exists."""
        try:
            return self._put_or_ask(upload, number, make())
        except StageError as error:
            if error.reason is Reason.OBJECT_NOT_FOUND:
                return None
            raise

    def _put_or_ask(self, upload: NewUpload, number: int, part: Part) -> tuple[str, str]:
        """Sends a part. After a failure, asks whether it is stored, because the service rejects a part sent twice."""
        self._transfer.check()
        query = f"uploadId={quote(upload.id, safe='')}&partNumber={number}"
        try:
            return part.send(query), part.expected()
        except TransientError:
            if etag := self._stored(upload, number):
                return etag, part.expected()
            part.undo()
            raise

    def _stored(self, upload: NewUpload, number: int) -> str:
        """The ETag of a stored part, or an empty text."""
        marker = f"&part-number-marker={number - 1}" if number else ""
        query = f"muploadpart&uploadId={quote(upload.id, safe='')}&max-parts=1{marker}"
        with self._wire.send("GET", "", query=query) as response:
            listed = self._decode(response, Parts)
        return next((part.etag.strip('"') for part in listed.parts if part.number == number), "")

    def _finish(self, upload: NewUpload, etags: list[str]) -> None:
        self._transfer.check()
        query = f"uploadId={quote(upload.id, safe='')}"
        headers = {**HEADERS, **METADATA_OF_FINISH, **self._metadata()}
        data = ",".join(etags).encode()
        with self._wire.send("POST", self._key, query=query, headers=headers, data=data):
            pass  # the following HEAD of the object tells more than this reply

    def _decode(self, response: urllib3.BaseHTTPResponse, kind: type[T]) -> T:
        try:
            data = self._wire.body(self._key, response, _MAX_ANSWER)
            return untrusted_json.read(data, kind, max_bytes=_MAX_ANSWER, strict=False)
        except ValueError as error:
            raise errors.unavailable(self._wire.bucket, self._key, "its reply is malformed") from error
