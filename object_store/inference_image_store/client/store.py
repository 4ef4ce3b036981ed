"""The store API of the Jobs: one bucket, its objects by key."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_contract.reasons import Reason
from inference_image_store import errors
from inference_image_store.client.archive import TAKES, Archive, Tier
from inference_image_store.client.credentials import Credentials
from inference_image_store.client.etag import etag_of, is_ufile_etag
from inference_image_store.client.keys import check_key, check_prefix, check_sdk_key
from inference_image_store.client.objects import NO_METADATA, SHA256_HEADER, ObjectInfo, from_headers
from inference_image_store.client.sdk import Sdk, Timeout
from inference_image_store.client.wire import Wire
from inference_image_store.download.downloads import Wanted, download
from inference_image_store.errors import ArchivedError
from inference_image_store.transfers import parallel
from inference_image_store.transfers.limits import Limits
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Report, Transfer, TransferTimeouts, log
from inference_image_store.upload import stale_uploads
from inference_image_store.upload.content import Checksums, InMemory, goes_in_parts, on_disk
from inference_image_store.upload.copying import Copier
from inference_image_store.upload.sending import Sender, is_stored

_MAX_PAGE = 1000
_PLAIN_TIMEOUT: Timeout = (10.0, 60.0)


class Store:
    """One bucket.

    Whatever UFile or the network does, methods raise only StageError: `UFileForbidden`, `SecurityTokenRefused`,
    `BucketNotFound`, `ObjectNotFound` or `UFileUnavailable`; reads also `ObjectArchived` (an ArchivedError), writes
    also `OverwriteForbidden`; and `UnsafeKey` before any request.
    """

    def __init__(
        self,
        location: UFile,
        credentials: Credentials,
        *,
        timeout: Timeout = _PLAIN_TIMEOUT,
        retries: int = 4,
        first_pause: float = 0.5,
        transfer_timeouts: TransferTimeouts = TransferTimeouts(),  # noqa: B008 - frozen
        report: Report = log,
    ) -> None:
        """`timeout` is seconds to connect and between two bytes. Retry pauses double from `first_pause` seconds.

        `report` gets the progress of a transfer, at least every 2 s, in the thread that waits for it.
        """
        self.bucket = location.bucket
        self._limits = Limits(location.max_files, location.max_bytes)
        self._transfer_timeouts = transfer_timeouts
        self._report = report
        self._retry = Retry(retries, first_pause)
        self._sdk = Sdk(location, credentials, timeout)
        self._wire = Wire(location, credentials, self._sdk, timeout)
        self._sender = Sender(self._wire, self._retry, self._head)
        self._copier = Copier(self._wire, self._sdk, self._retry, self._head)
        self._archive = Archive(self._wire, self._retry)

    def head(self, key: str) -> ObjectInfo:
        """The current state of an object; the only source of its SHA-256."""
        return self._retry.call(partial(self._head, check_key(key)))

    def find(self, key: str) -> ObjectInfo | None:
        """As `head`, but None for an absent object."""
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
                    raise errors.unavailable(self.bucket, prefix, "its listing does not advance")
                found.append(entry.info())
            if len(found) > limit:
                raise errors.over_limit(self.bucket, prefix, f"more than {limit} objects begin with it")
            if not page.truncated or not page.contents:
                return found

    def read(self, key: str, *, max_bytes: int, etag: str = "") -> bytes:
        """The bytes of a small object, verified by its ETag.

        Raises StageError: `LimitExceeded` above `max_bytes`, `SourceChanged` when the object does not have the
        given `etag`, `ObjectCorrupt` when the bytes are wrong in every attempt.
        """
        return self._retry.call(partial(self._read, check_key(key), max_bytes, etag))

    def download(self, key: str, target: Path, *, etag: str = "", size: int | None = None) -> ObjectInfo:
        """Downloads the object to `target`, verified and atomically; a failure leaves `target` unchanged.

        Raises StageError: `SourceChanged` when the object does not have the given `etag` or `size`, or is replaced
        meanwhile; `ObjectCorrupt` when the bytes are wrong in every attempt.
        """
        info = self.head(key)
        self._check_pin(info, etag)
        if size is not None and info.size != size:
            raise errors.changed(self.bucket, key, f"{size} bytes", f"{info.size} bytes")
        return self._download([(info, target)], errors.describe(self.bucket, key))[0]

    def download_all(self, wanted: Sequence[Wanted]) -> tuple[ObjectInfo, ...]:
        """As `download`, for pinned objects: several at a time, without a HEAD request for each.

        Raises StageError as `download`, and `LimitExceeded` before the first byte for too many or too large objects.
        """
        for item in wanted:
            check_key(item.key)
        what = errors.describe(self.bucket, wanted[0].key) if len(wanted) == 1 else f"{len(wanted)} objects"
        return self._download([(item.info, item.target) for item in wanted], what)

    def _download(self, objects: Sequence[tuple[ObjectInfo, Path]], what: str) -> tuple[ObjectInfo, ...]:
        total = sum(info.size for info, _ in objects)
        self._limits.check(what, len(objects), total)
        return download(self._wire, self._retry, self._transfer(f"download of {what}", total), objects)

    def upload(self, source: Path, key: str, *, metadata: Mapping[str, str] = NO_METADATA) -> ObjectInfo:
        """Uploads a file with its SHA-256 as metadata, and verifies the stored object; in parts above 64 MiB.

        An equal object is not sent again. Raises StageError: `ObjectCorrupt` when the object is stored wrong in every
        attempt. `metadata` is stored too: names such as `Checkpoint-Step`, ASCII values.
        """
        with on_disk(source) as content:
            transfer, sums, there = self._upload_of(key, content.size), Checksums(content), self._there(key)
            if there is not None and parallel.value(partial(is_stored, there, sums, content), transfer):
                return there
            return self._sender.send(transfer, content, key, sums, metadata)

    def upload_all(
        self, sources: Mapping[str, Path], prefix: str, *, metadata: Mapping[str, str] = NO_METADATA
    ) -> dict[str, ObjectInfo]:
        """Uploads files as `upload` does, several at a time; the returned objects have their SHA-256.

        All keys begin with `prefix`, which is listed only once. Raises StageError as `upload`, and `LimitExceeded`.
        """
        check_prefix(prefix)
        sizes = {check_key(key): path.stat().st_size for key, path in sources.items()}
        what = f"{len(sources)} objects below {prefix!r}"
        self._limits.check(what, len(sizes), sum(sizes.values()))
        there = {info.key for info in self.list(prefix, limit=self._limits.max_files)}
        at_once = [key for key, size in sizes.items() if key not in there and not goes_in_parts(size)]
        transfer = self._transfer(f"upload of {what}", sum(sizes[key] for key in at_once))
        stored: dict[str, ObjectInfo] = {}

        def send(key: str) -> None:
            stored[key] = self._sender.send_small(transfer, sources[key], key, metadata)

        parallel.run((partial(send, key) for key in at_once), transfer)
        for key in sources.keys() - stored.keys():
            stored[key] = self.upload(sources[key], key, metadata=metadata)
        return stored

    def write(self, data: bytes, key: str) -> ObjectInfo:
        """As `upload`, for bytes."""
        content = InMemory(data)
        sums, there = Checksums(content), self._there(key)
        if there is not None and is_stored(there, sums, content):
            return there
        return self._sender.send(self._upload_of(key, content.size), content, key, sums)

    def abort_stale_uploads(self, prefix: str, age: float) -> int:
        """Aborts multipart uploads below `prefix` that began more than `age` seconds ago; returns their number."""
        return stale_uploads.abort_older(self._wire, check_prefix(prefix), time.time() - age)

    def copy(self, source_key: str, key: str, *, metadata: Mapping[str, str] = NO_METADATA) -> ObjectInfo:
        """Copies an object to another key with its SHA-256 and `metadata`, and verifies the copy.

        Copies large objects in parts. Raises StageError: `OverwriteForbidden` when the credentials must not replace
        an existing object.
        """
        check_sdk_key(key)
        source = self.head(check_sdk_key(source_key))
        transfer = self._transfer(f"copy of {errors.describe(self.bucket, source_key)}", source.size)
        return self._copier.copy(transfer, source, key, metadata)

    def unreadable(self, objects: Sequence[ObjectInfo]) -> Sequence[str]:
        """The keys of these objects, from listings or `find`, that are archived and not restored."""
        return self._archive.unreadable(self._transfer("check of archived objects", len(objects)), objects)

    def restore(self, archived: ArchivedError, tier: Tier) -> StageError:
        """Requests the restore of archived objects; returns `ObjectRestoring`, the failure of a stage that waits.

        A restore in progress continues. Raises StageError when the request is rejected.
        """
        transfer = self._transfer("restore of archived objects", len(archived.keys))
        self._archive.restore(transfer, map(check_key, archived.keys), tier)
        return archived.restoring(tier, TAKES[tier])

    def delete(self, key: str) -> None:
        """Deletes the object; succeeds when it is absent."""
        self._retry.call(partial(self._sdk.delete, check_sdk_key(key)))

    def _there(self, key: str) -> ObjectInfo | None:
        """As `find`, but None for an archived object, which cannot be compared."""
        try:
            return self.find(key)
        except ArchivedError:
            return None

    def _head(self, key: str) -> ObjectInfo:
        with self._wire.send("HEAD", key) as response:
            try:
                return from_headers(key, response.headers)
            except ValueError as error:
                raise errors.unavailable(self.bucket, key, str(error)) from error

    def _transfer(self, what: str, total: int) -> Transfer:
        return Transfer(what, total, self._transfer_timeouts, self._report)

    def _upload_of(self, key: str, size: int) -> Transfer:
        return self._transfer(f"upload of {errors.describe(self.bucket, key)}", size)

    def _read(self, key: str, max_bytes: int, pinned: str) -> bytes:
        watch = self._transfer(f"reading of {errors.describe(self.bucket, key)}", max_bytes).watch(self.bucket, key)
        with self._wire.send("GET", key) as response:
            etag = response.headers.get("ETag", "").strip('"')
            self._check_pin(ObjectInfo(key, 0, etag), pinned)
            sha256 = response.headers.get(SHA256_HEADER, "").lower()
            data = self._wire.body(key, response, max_bytes, watch)
        if data and is_ufile_etag(etag) and etag_of(data) != etag:
            raise errors.corrupt(self.bucket, key, f"its ETag is {etag}, that of the bytes {etag_of(data)}")
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise errors.corrupt(self.bucket, key, f"its SHA-256 is not {sha256}")
        return data

    def _check_pin(self, info: ObjectInfo, pinned: str) -> None:
        if pinned and info.etag != pinned:
            raise errors.changed(self.bucket, info.key, f"ETag {pinned}", f"ETag {info.etag}")
