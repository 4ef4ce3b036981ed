"""Multipart uploads on disk: begin, put parts, finish or abort."""

import os
import secrets
import shutil
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from devcluster.ufile.protocol import errors
from devcluster.ufile.storage.digests import BLOCK, etag_of_blocks, part_digest, part_etag
from devcluster.ufile.storage.disk import About, Bucket, Record, write_atomically


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of an upload."""

    id: str
    key: str
    started: int
    about: About = About()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One received part."""

    number: int
    etag: str
    size: int
    modified: int


def begin(bucket: Bucket, key: str, about: About) -> Upload:
    """Begins an upload for that key."""
    upload = Upload(id=secrets.token_hex(16), key=key, started=int(time.time()), about=about)
    (bucket.uploads / upload.id).mkdir()
    write_atomically(bucket.uploads / upload.id / "upload.json", msgspec.json.encode(upload))
    return upload


def find(bucket: Bucket, upload_id: str, key: str | None = None) -> Upload:
    """The upload with that ID; raises UFileError when it is absent or for another key."""
    if not upload_id.isalnum():  # it becomes a path
        raise errors.no_upload()
    try:
        upload = msgspec.json.decode((bucket.uploads / upload_id / "upload.json").read_bytes(), type=Upload)
    except FileNotFoundError:
        raise errors.no_upload() from None
    if key is not None and upload.key != key:
        raise errors.no_upload()
    return upload


def every(bucket: Bucket) -> list[Upload]:
    """All unfinished uploads, sorted by key."""
    found = (find(bucket, path.name) for path in bucket.uploads.iterdir() if (path / "upload.json").exists())
    return sorted(found, key=lambda upload: (upload.key.encode(), upload.id))


def put_part(bucket: Bucket, upload: Upload, number: int, data: bytes) -> Part:
    """Stores a part at its position; raises UFileError when the part is too large or its number was already uploaded.

    Safe for parts of different numbers in several threads.
    """
    if len(data) > BLOCK:
        raise errors.too_large()
    path = _part_path(bucket, upload, number)
    if path.exists():
        raise errors.duplicate_part()
    try:
        _write_at(_data_path(bucket, upload), data, number * BLOCK)
    except FileNotFoundError:
        raise errors.no_upload() from None  # finished or aborted meanwhile
    part = Part(number=number, etag=part_etag(data), size=len(data), modified=int(time.time()))
    write_atomically(path, msgspec.json.encode(part))
    return part


def parts(bucket: Bucket, upload: Upload) -> list[Part]:
    """The received parts, sorted by number."""
    paths = sorted((bucket.uploads / upload.id).glob("*.part"))
    return [msgspec.json.decode(path.read_bytes(), type=Part) for path in paths]


def finish(bucket: Bucket, upload: Upload, etags: list[str], mime_type: str, metadata: dict[str, str] | None) -> Record:
    """Makes the parts the object, with the storage class of the begin request.

    And with its metadata, unless the request that finishes the upload has `metadata` in its place
    (API finish_multipart_upload.md).

    A part is a block of the object's ETag, so no data is read again.
    Raises UFileError when the ETags do not match the parts, or a part other than the last is short.
    """
    received = parts(bucket, upload)
    if not received or [part.etag for part in received] != etags:
        raise errors.bad_request("the ETags do not match the uploaded parts")
    if [part.number for part in received] != list(range(len(received))):
        raise errors.bad_request("a part is missing")
    if any(part.size != BLOCK for part in received[:-1]):
        raise errors.bad_request("a part other than the last is short")
    etag = etag_of_blocks([part_digest(part.etag) for part in received])
    about = replace(upload.about, mime_type=mime_type)
    if metadata is not None:
        about = replace(about, metadata=metadata)
    record = bucket.adopt(upload.key, _data_path(bucket, upload), etag, about)
    abort(bucket, upload)
    return record


def abort(bucket: Bucket, upload: Upload) -> None:
    """Removes the upload and its parts."""
    shutil.rmtree(bucket.uploads / upload.id)


def _write_at(path: Path, data: bytes, position: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, data, position)
    finally:
        os.close(descriptor)


def _data_path(bucket: Bucket, upload: Upload) -> Path:
    return bucket.uploads / upload.id / "data"


def _part_path(bucket: Bucket, upload: Upload, number: int) -> Path:
    return bucket.uploads / upload.id / f"{number:05}.part"
