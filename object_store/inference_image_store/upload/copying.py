"""Server-side copies of an object: in one request, or in parts when it is too large.

US3 documents: a Copy is for objects below 100 MB; above it, parts of 4 MiB are copied by UploadPartCopy (API copy.md,
upload_part_copy.md).
"""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

from inference_image_contract.errors import StageError
from inference_image_store import errors
from inference_image_store.client.etag import is_ufile_etag
from inference_image_store.client.objects import ObjectInfo, metadata_headers
from inference_image_store.client.sdk import Sdk
from inference_image_store.client.wire import Wire
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer
from inference_image_store.upload import stale_uploads
from inference_image_store.upload.overwriting import settle
from inference_image_store.upload.uploads import HEADERS, Multipart

MAX_COPY = 100_000_000
"""Maximal bytes of a copy in one request."""


class CopiedPart:
    """A range of an object as a part. Its bytes stay in the service, so only the whole copy can be verified."""

    def __init__(self, wire: Wire, transfer: Transfer, key: str, source_key: str, *span: int) -> None:
        """`span` is the first byte and the length."""
        self._wire = wire
        self._transfer = transfer
        self._key = key
        self._source_key = source_key
        self._start, self._length = span

    def send(self, query: str) -> str:
        """As `Part.send`."""
        headers = HEADERS | {
            "X-Ufile-Copy-Source": f"/{self._wire.bucket}/{quote(self._source_key)}",
            "X-Ufile-Copy-Source-Range": f"bytes={self._start}-{self._start + self._length - 1}",
        }
        with self._wire.send("PUT", self._key, query=query, headers=headers) as response:
            etag = response.headers.get("ETag", "").strip('"')
        self._transfer.moved(self._length)
        return etag

    def expected(self) -> str:
        """As `Part.expected`."""
        return ""

    def undo(self) -> None:
        """As `Part.undo`; nothing is counted yet."""


class Copier:
    """Copies within one bucket. `head` is a HEAD request without retries."""

    def __init__(self, wire: Wire, sdk: Sdk, retry: Retry, head: Callable[[str], ObjectInfo]) -> None:
        self._wire = wire
        self._sdk = sdk
        self._retry = retry
        self._head = head

    def copy(self, transfer: Transfer, source: ObjectInfo, key: str, metadata: Mapping[str, str]) -> ObjectInfo:
        """Stores and verifies the copy, with the source's SHA-256 and `metadata`; repeats a wrong copy.

        Raises StageError: `OverwriteForbidden` when the credentials must not replace an existing object.
        """
        headers = metadata_headers(source.sha256, metadata) if source.sha256 else {}
        in_parts = source.size > MAX_COPY
        if in_parts:
            stale_uploads.abort_of_key(self._wire, key)
        once = partial(self._in_parts if in_parts else self._at_once, transfer, source, key, headers)
        return self._retry.call(partial(self._verified, once, source, key), transfer.sleep)

    def _verified(self, once: Callable[[], None], source: ObjectInfo, key: str) -> ObjectInfo:
        try:
            once()
        except StageError as error:
            settle(error, key, self._head, partial(_is_copy, source), in_parts=source.size > MAX_COPY)
        copied = self._head(key)
        if not _is_copy(source, copied):
            raise errors.corrupt(self._wire.bucket, key, f"it is not a copy of {source.key!r}")
        return copied

    def _at_once(self, _: Transfer, source: ObjectInfo, key: str, headers: Mapping[str, str]) -> None:
        self._sdk.copy(source.key, key, headers)

    def _in_parts(self, transfer: Transfer, source: ObjectInfo, key: str, headers: Mapping[str, str]) -> None:
        transfer.restart()
        part = partial(CopiedPart, self._wire, transfer, key, source.key)
        Multipart(self._wire, self._retry, transfer, key, lambda: headers).run(source.size, part)


def _is_copy(source: ObjectInfo, copied: ObjectInfo) -> bool:
    """Compares size and ETag; an ETag of the S3 endpoint is not a checksum, and a copy in parts has another."""
    if copied.size != source.size or copied.sha256 != source.sha256:
        return False
    return copied.etag == source.etag or not is_ufile_etag(source.etag)
