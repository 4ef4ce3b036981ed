"""The store as the Jobs see it: one bucket of UFile, its objects by key."""

import io
from functools import partial
from pathlib import Path
from typing import BinaryIO

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_contract.reasons import Reason
from inference_image_store import failures, upload
from inference_image_store.credentials import Credentials
from inference_image_store.download import download
from inference_image_store.etag import etag_of
from inference_image_store.keys import check_key, check_prefix
from inference_image_store.objects import ObjectInfo, from_headers
from inference_image_store.retry import Retry
from inference_image_store.sdk import Sdk, Timeout
from inference_image_store.upload import Checksums, Multipart, checksums, matches
from inference_image_store.wire import Wire

_MAX_PAGE = 1000


class Store:
    """One bucket.

    Whatever UFile or the network does, a method raises StageError and nothing else: `UFileForbidden`,
    `BucketNotFound`, `ObjectNotFound`, `UFileUnavailable`, and `UnsafeKey` before any request.
    """

    def __init__(
        self,
        location: UFile,
        credentials: Credentials,
        *,
        timeout: Timeout = (10.0, 60.0),
        retries: int = 4,
        first_pause: float = 0.5,
    ) -> None:
        """`timeout` is seconds to connect and between two bytes; pauses double from `first_pause` seconds."""
        self.bucket = location.bucket
        self._retry = Retry(retries, first_pause)
        self._sdk = Sdk(location, credentials, timeout)
        self._wire = Wire(location, self._sdk, timeout)

    def head(self, key: str) -> ObjectInfo:
        """The object as it is now; the only source of its SHA-256."""
        return self._retry.call(partial(self._head, check_key(key)))

    def find(self, key: str) -> ObjectInfo | None:
        """As `head`, but None for an object that is absent."""
        try:
            return self.head(key)
        except StageError as error:
            if error.reason is Reason.OBJECT_NOT_FOUND:
                return None
            raise

    def list(self, prefix: str, *, limit: int) -> list[ObjectInfo]:
        """Every object whose key begins with `prefix`, in key order; folder markers (`a/b/`) too, which are empty.

        Raises StageError (`LimitExceeded`) when there are more than `limit`.
        """
        check_prefix(prefix)
        found: list[ObjectInfo] = []
        while True:
            marker = found[-1].key if found else ""
            wanted = min(_MAX_PAGE, limit + 1 - len(found))
            page = self._retry.call(partial(self._sdk.list_page, prefix, marker, wanted))
            for entry in page.contents:
                if found and entry.key.encode() <= found[-1].key.encode():
                    raise failures.unavailable(self.bucket, prefix, "its listing does not advance")
                found.append(entry.info())
            if len(found) > limit:
                raise failures.over_limit(self.bucket, prefix, f"more than {limit} objects begin with it")
            if not page.truncated or not page.contents:
                return found

    def read(self, key: str, *, max_bytes: int, etag: str = "") -> bytes:
        """The bytes of a small object, verified by its ETag.

        Raises StageError: `LimitExceeded` above `max_bytes`, `SourceChanged` when `etag` is given and another,
        `ObjectCorrupt` when the bytes are wrong in every attempt.
        """
        return self._retry.call(partial(self._read, check_key(key), max_bytes, etag))

    def download(self, key: str, target: Path, *, etag: str = "", size: int | None = None) -> ObjectInfo:
        """Puts the object at `target`, verified, synced and all at once; on failure `target` is as it was.

        Raises StageError: `SourceChanged` when `etag` or `size` is given and another, or the object is replaced
        meanwhile; `ObjectCorrupt` when the bytes are wrong in every attempt.
        """
        info = self.head(key)
        self._check_pin(info, etag)
        if size is not None and info.size != size:
            raise failures.changed(self.bucket, key, f"{size} bytes", f"{info.size} bytes")
        download(self._wire, self._retry, info, target)
        return info

    def upload(self, source: Path, key: str, *, sha256: str | None = None) -> ObjectInfo:
        """Stores a file with its SHA-256 as metadata, and verifies what is stored; in parts above 64 MiB.

        `sha256` (hex) is what the caller verified: another content is refused (`ObjectCorrupt`) before anything is
        sent, and so is what was stored wrong in every attempt.
        """
        with source.open("rb") as file:
            sums = checksums(file)
            if sha256 is not None and sums.sha256 != sha256:
                raise StageError(
                    Reason.OBJECT_CORRUPT,
                    f"The file {source.name} changed before its upload: its SHA-256 is {sums.sha256}, not {sha256}.",
                    "This is a defect of the step, or of its disk: the operator runs the step again.",
                )
            return self._store(file, check_key(key), sums)

    def write(self, data: bytes, key: str) -> ObjectInfo:
        """Stores bytes, as `upload` does with a file."""
        file = io.BytesIO(data)
        return self._store(file, check_key(key), checksums(file))

    def copy(self, source_key: str, key: str) -> ObjectInfo:
        """Stores a copy of an object under another key, and verifies it; its SHA-256 goes with it."""
        source = self.head(source_key)
        check_key(key)

        def attempt() -> ObjectInfo:
            self._sdk.copy(source_key, key, sha256=source.sha256)
            copied = self._head(key)
            if (copied.size, copied.etag) != (source.size, source.etag):
                raise failures.corrupt(self.bucket, key, f"it is not the copy of {source_key!r}")
            return copied

        return self._retry.call(attempt)

    def delete(self, key: str) -> None:
        """Removes the object; fine when it is absent."""
        self._retry.call(partial(self._sdk.delete, check_key(key)))

    def _head(self, key: str) -> ObjectInfo:
        with self._wire.send("HEAD", key) as response:
            try:
                return from_headers(key, response.headers)
            except ValueError as error:
                raise failures.unavailable(self.bucket, key, str(error)) from error

    def _read(self, key: str, max_bytes: int, pinned: str) -> bytes:
        with self._wire.send("GET", key) as response:
            etag = response.headers.get("ETag", "").strip('"')
            self._check_pin(ObjectInfo(key, 0, etag), pinned)
            data = self._wire.body(key, response, max_bytes)
        if data and etag_of(data) != etag:
            raise failures.corrupt(self.bucket, key, f"its ETag is {etag}, that of the bytes {etag_of(data)}")
        return data

    def _check_pin(self, info: ObjectInfo, pinned: str) -> None:
        if pinned and info.etag != pinned:
            raise failures.changed(self.bucket, info.key, f"ETag {pinned}", f"ETag {info.etag}")

    def _store(self, file: BinaryIO, key: str, sums: Checksums) -> ObjectInfo:
        """Sends and verifies; what was stored wrong is sent anew."""

        def attempt() -> ObjectInfo:
            if sums.size > upload.MULTIPART_ABOVE:
                self._put_in_parts(file, key, sums)
            else:
                self._retry.call(partial(self._put, file, key, sums))
            info = self.head(key)
            if not matches(info, sums):
                raise failures.corrupt(self.bucket, key, f"stored were {info.size} bytes of ETag {info.etag}")
            return info

        return self._retry.call(attempt)

    def _put(self, file: BinaryIO, key: str, sums: Checksums) -> None:
        file.seek(0)
        body = file if sums.size else b""  # an empty stream would be sent chunked
        self._sdk.put(key, body, md5=sums.md5, sha256=sums.sha256)

    def _put_in_parts(self, file: BinaryIO, key: str, sums: Checksums) -> None:
        try:
            Multipart(self._wire, self._retry, key, sums).run(file)
        except StageError:
            if not self._landed(key, sums):
                raise

    def _landed(self, key: str, sums: Checksums) -> bool:
        """Whether the upload worked and only its answer was lost."""
        try:
            info = self.find(key)
        except StageError:
            return False
        return info is not None and matches(info, sums) and info.sha256 == sums.sha256
