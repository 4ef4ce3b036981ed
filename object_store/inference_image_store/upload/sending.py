"""Uploads an object in one request or in parts, and verifies it against the service's description."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_store import errors
from inference_image_store.client.objects import NO_METADATA, ObjectInfo, metadata_headers
from inference_image_store.client.wire import Wire
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer
from inference_image_store.upload import stale_uploads
from inference_image_store.upload.content import Checksums, Content, content_etag, goes_in_parts, on_disk
from inference_image_store.upload.overwriting import settle
from inference_image_store.upload.uploads import Multipart, SentPart, put


def is_stored(info: ObjectInfo, sums: Checksums, content: Content) -> bool:
    """Whether the stored object equals this content, with its SHA-256 in the metadata."""
    if info.size != sums.size or not info.sha256 or info.sha256 != sums.sha256:
        return False
    return not info.size or info.etag == (sums.etag or content_etag(content))


class Sender:
    """Uploads to one bucket. `head` is a HEAD request without retries."""

    def __init__(self, wire: Wire, retry: Retry, head: Callable[[str], ObjectInfo]) -> None:
        self._wire = wire
        self._retry = retry
        self._head = head

    def send(
        self, transfer: Transfer, content: Content, key: str, sums: Checksums, metadata: Mapping[str, str] = NO_METADATA
    ) -> ObjectInfo:
        """Stores and verifies the object; sends a wrong one again. Raises StageError."""
        if goes_in_parts(sums.size):
            stale_uploads.abort_of_key(self._wire, key)
        return self._retry.call(partial(self._send, transfer, content, key, sums, metadata), transfer.sleep)

    def send_small(self, transfer: Transfer, source: Path, key: str, metadata: Mapping[str, str]) -> ObjectInfo:
        """Stores a small file in one request; compares the ETag of the reply, which saves a request."""
        with on_disk(source) as content:
            sums = Checksums(content)

            def attempt() -> None:
                if (etag := put(self._wire, transfer, key, content, sums, metadata)) != sums.etag:
                    raise errors.corrupt(self._wire.bucket, key, f"the stored object has ETag {etag}")

            try:
                self._retry.call(attempt, transfer.sleep)
            except StageError as error:
                self._settle(error, key, sums)
        return ObjectInfo(key, sums.size, sums.etag, sums.sha256)

    def _send(
        self, transfer: Transfer, content: Content, key: str, sums: Checksums, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        transfer.restart()
        if goes_in_parts(sums.size):
            self._send_parts(transfer, content, key, sums, metadata)
        else:
            self._send_whole(transfer, content, key, sums, metadata)
        info = self._retry.call(partial(self._head, key), transfer.sleep)
        if not _matches(info, sums):
            raise errors.corrupt(self._wire.bucket, key, f"the stored one has {info.size} bytes and ETag {info.etag}")
        return info

    def _send_parts(
        self, transfer: Transfer, content: Content, key: str, sums: Checksums, metadata: Mapping[str, str]
    ) -> None:
        part = partial(SentPart, self._wire, transfer, key, content, sums.hashed)
        try:
            Multipart(self._wire, self._retry, transfer, key, lambda: metadata_headers(sums.sha256, metadata)).run(
                content.size, part
            )
        except StageError as error:
            self._settle(error, key, sums)

    def _send_whole(
        self, transfer: Transfer, content: Content, key: str, sums: Checksums, metadata: Mapping[str, str]
    ) -> None:
        try:
            self._retry.call(partial(put, self._wire, transfer, key, content, sums, metadata), transfer.sleep)
        except StageError as error:
            self._settle(error, key, sums)

    def _settle(self, error: StageError, key: str, sums: Checksums) -> None:
        """Raises StageError unless the upload succeeded and only its reply was lost."""

        def head(key: str) -> ObjectInfo:
            return self._retry.call(partial(self._head, key))

        settle(error, key, head, lambda info: _is_stored(info, sums), in_parts=goes_in_parts(sums.size))


def _is_stored(info: ObjectInfo, sums: Checksums) -> bool:
    return _matches(info, sums) and info.sha256 == sums.sha256


def _matches(info: ObjectInfo, sums: Checksums) -> bool:
    """Whether the stored object has these bytes; for a multipart upload each part is verified already."""
    return info.size == sums.size and (not sums.size or not sums.etag or info.etag == sums.etag)
