"""Uploads with checksums: one PUT for what is small, parts in parallel for what is large."""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import quote

import msgspec
import urllib3

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store import errors
from inference_image_store.client.etag import part_etag
from inference_image_store.client.objects import NewUpload, Parts, metadata_headers
from inference_image_store.client.wire import Wire
from inference_image_store.errors import TransientError
from inference_image_store.transfers import parallel
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer
from inference_image_store.upload import stale_uploads
from inference_image_store.upload.content import Body, Checksums, Content

_MAX_ANSWER = 1024 * 1024
_MAX_BLOCK = 64 * 1024 * 1024
T = TypeVar("T")

HEADERS = {"Content-Type": "application/octet-stream"}


def put(  # noqa: PLR0917 - one request, and everything that it says
    wire: Wire, transfer: Transfer, key: str, content: Content, sums: Checksums, metadata: Mapping[str, str]
) -> str:
    """Stores an object in one request, made once, and returns its ETag; the service checks the (hex) MD5.

    Raises StageError; TransientError where another try may help.
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
    """One part on its way, once: made anew for each attempt."""

    def send(self, query: str) -> str:
        """Stores it, and returns the ETag that the service gave it. Raises StageError."""
        ...

    def expected(self) -> str:
        """The ETag that it must have; empty when only the whole object can be compared."""
        ...

    def undo(self) -> None:
        """Takes back what was counted as moved."""
        ...


class SentPart:
    """Bytes of a content as a part."""

    def __init__(  # noqa: PLR0917 - what is sent, where to, and how
        self, wire: Wire, transfer: Transfer, key: str, content: Content, start: int, length: int
    ) -> None:
        self._wire = wire
        self._key = key
        self._watch = transfer.watch(wire.bucket, key)
        self._body = Body(content, start, length, self._watch)

    def send(self, query: str) -> str:
        """As `Part.send`."""
        with self._wire.send("PUT", self._key, query=query, headers=HEADERS, data=self._body) as response:
            return response.headers.get("ETag", "").strip('"')

    def expected(self) -> str:
        """As `Part.expected`."""
        return part_etag(self._body.sha1())

    def undo(self) -> None:
        """As `Part.undo`."""
        self._watch.undo()


class Multipart:
    """One object in parts. What was begun and failed is aborted: the service would keep, and charge for, its parts."""

    def __init__(self, wire: Wire, retry: Retry, transfer: Transfer, key: str, headers: Mapping[str, str]) -> None:
        """`headers` say what the object has beside its bytes."""
        self._wire = wire
        self._retry = retry
        self._transfer = transfer
        self._key = key
        self._headers = HEADERS | dict(headers)

    def run(self, size: int, part: Callable[[int, int], Part]) -> None:
        """Makes the object of its parts; `part` is called with the first byte and the length of each.

        Raises StageError, or TransientError when only a new upload can help: a part was stored wrong, or somebody
        else ended this one. When the last answer was lost, the object may be there all the same.
        """
        upload = self._retry.call(self._begin, self._transfer.sleep)
        try:
            etags = self._parts(upload, size, part)
            self._retry.call(partial(self._finish, upload, etags), self._transfer.sleep)
        except BaseException:
            with contextlib.suppress(StageError):  # what failed before matters more than whether this works
                stale_uploads.abort(self._wire, self._key, upload.id)
            raise

    def _begin(self) -> NewUpload:
        self._transfer.check()
        with self._wire.send("POST", self._key, query="uploads", headers=self._headers) as response:
            upload = self._decode(response, NewUpload)
        if not 0 < upload.block <= _MAX_BLOCK:
            raise errors.unavailable(self._wire.bucket, self._key, f"its part size is {upload.block}")
        return upload

    def _parts(self, upload: NewUpload, size: int, part: Callable[[int, int], Part]) -> list[str]:
        """Sends every part; their ETags, in order."""
        etags = [""] * -(-size // upload.block)

        def send(number: int) -> None:
            start = number * upload.block
            etags[number] = self._part(upload, number, partial(part, start, min(upload.block, size - start)))

        parallel.run((partial(send, number) for number in range(len(etags))), self._transfer)
        return etags

    def _part(self, upload: NewUpload, number: int, make: Callable[[], Part]) -> str:
        """Sends one part and returns its ETag; raises TransientError when it was stored wrong."""
        stored = self._retry.call(partial(self._put_part, upload, number, make), self._transfer.sleep)
        if stored is None:
            raise errors.unavailable(self._wire.bucket, self._key, "its upload was ended by somebody else")
        etag, expected = stored
        if expected and etag != expected:
            raise errors.corrupt(self._wire.bucket, self._key, f"part {number} was stored with ETag {etag}")
        return etag

    def _put_part(self, upload: NewUpload, number: int, make: Callable[[], Part]) -> tuple[str, str] | None:
        """The ETag of what is stored and that of what was sent; None when there is no such upload any more."""
        try:
            return self._put_or_ask(upload, number, make())
        except StageError as error:
            if error.reason is Reason.OBJECT_NOT_FOUND:
                return None
            raise

    def _put_or_ask(self, upload: NewUpload, number: int, part: Part) -> tuple[str, str]:
        """Sends a part. A failure may have come after it was stored, and a part is refused twice: then it is asked."""
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
        """The ETag of a part that arrived, or nothing."""
        marker = f"&part-number-marker={number - 1}" if number else ""
        query = f"muploadpart&uploadId={quote(upload.id, safe='')}&max-parts=1{marker}"
        with self._wire.send("GET", "", query=query) as response:
            listed = self._decode(response, Parts)
        return next((part.etag.strip('"') for part in listed.parts if part.number == number), "")

    def _finish(self, upload: NewUpload, etags: list[str]) -> None:
        self._transfer.check()
        query = f"uploadId={quote(upload.id, safe='')}"
        data = ",".join(etags).encode()
        with self._wire.send("POST", self._key, query=query, headers=self._headers, data=data):
            pass  # the object is asked for afterwards, which says more than this answer

    def _decode(self, response: urllib3.BaseHTTPResponse, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self._wire.body(self._key, response, _MAX_ANSWER), type=kind, strict=False)
        except msgspec.DecodeError as error:
            raise errors.unavailable(self._wire.bucket, self._key, "its answer is malformed") from error
