"""The protocol: one request in, one reply out. It handles buckets and signatures, not sockets and faults."""

import asyncio
import json
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devcluster.ufile.clock import Clock
from devcluster.ufile.protocol import errors, forms, listing, reading, rights
from devcluster.ufile.protocol.accounts import KeyPair
from devcluster.ufile.protocol.reading import Slice
from devcluster.ufile.protocol.request import Request
from devcluster.ufile.protocol.signature import authenticate, check_header, check_valid, string_to_sign
from devcluster.ufile.storage import archive, copying, uploads
from devcluster.ufile.storage.digests import BLOCK
from devcluster.ufile.storage.disk import About, Bucket, Record

MAX_PUT = 512 * 1024 * 1024
"""Bytes of a plain PUT and of a form (US3 documents: introduction/limit); larger objects need a multipart upload."""
MAX_METADATA = 8 * 1024
"""Bytes of all names and values of an object's user metadata (API put_file.md)."""
_METADATA = "x-ufile-meta-"

Body = AsyncIterable[bytes]


@dataclass(frozen=True)
class Reply:
    """A reply: a document, or a slice of an object."""

    status: int
    body: bytes | Slice = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """Buckets and the key pairs that can use them."""

    def __init__(self, root: Path, buckets: Iterable[str], keys: Iterable[KeyPair]) -> None:
        self.buckets = {name: Bucket(name, root / name) for name in buckets}
        self.clock = Clock()
        self.restore_seconds = dict(archive.DURATIONS)
        """Tier -> seconds that a restore takes."""
        self._keys = {pair.public_key: pair for pair in keys}

    def trust(self, pair: KeyPair) -> None:
        """Adds a key pair, or replaces the rights of the pair with the same public key."""
        self._keys[pair.public_key] = pair

    def switch(self, bucket: str, key: str, storage_class: str) -> None:
        """Sets the class of an object, whatever it is now: for tests. Raises UFileError when it is absent."""
        found = self.bucket(bucket)
        found.update(archive.of_class(found.get(key), storage_class))

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name; raises UFileError when it is absent."""
        if name not in self.buckets:
            raise errors.no_bucket()
        return self.buckets[name]

    async def answer(self, request: Request, body: Body) -> Reply:
        """The reply to a request; raises UFileError for every error reply."""
        bucket = self.bucket(request.bucket)
        if request.method == "POST" and not request.key:
            return await self._form(bucket, request, body)
        pair = authenticate(request, self._keys, self.clock.now())
        rights.check(pair, request)
        if request.method in ("GET", "HEAD"):
            return self._read(bucket, request)
        if request.method == "PUT":
            return await self._put(bucket, request, body, pair)
        if request.method == "POST":
            return await _multipart(bucket, request, body, pair)
        if request.method == "DELETE":
            return _delete(bucket, request)
        raise errors.bad_request(f"no such method: {request.method}")

    async def _put(self, bucket: Bucket, request: Request, body: Body, pair: KeyPair) -> Reply:
        if not request.key:
            raise errors.bad_request("no key")
        if "restore" in request.query:
            tier = request.headers.get("Tier", "Standard")
            found = archive.restored(bucket.get(request.key), tier, self.clock.now(), self.restore_seconds)
            bucket.update(found)
            return Reply(200)
        if "storageClass" in request.query:
            bucket.update(archive.switched(bucket.get(request.key), request.query["storageClass"]))
            return Reply(200)
        if "uploadId" in request.query:
            return await self._put_part(bucket, request, body, pair)
        rights.check_overwriting(pair, bucket, request.key)
        if copying.SOURCE in request.headers:
            return self._copy(bucket, request, pair)
        about = _about(request)
        with bucket.receive(md5="Content-MD5" in request.headers) as incoming:
            async for chunk in body:
                await asyncio.to_thread(incoming.write, chunk)  # other requests proceed while this one is written
                if incoming.digests.size > MAX_PUT:
                    raise errors.too_large()
            _check_md5(request, incoming.digests.md5())
            return _stored(bucket.commit(request.key, incoming, about))

    async def _put_part(self, bucket: Bucket, request: Request, body: Body, pair: KeyPair) -> Reply:
        upload = uploads.find(bucket, request.query["uploadId"], request.key)
        number = request.query.get("partNumber", "")
        if not number.isdigit():
            raise errors.bad_request("partNumber is not a number")
        headers = {}
        if copying.SOURCE in request.headers:
            source = self._source(request, pair)
            first, last = copying.part_range(request, source.record.size, BLOCK)
            data = source.read(first, last - first + 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{source.record.size}"
        else:
            data = await _all(body, BLOCK)
        part = await asyncio.to_thread(uploads.put_part, bucket, upload, int(number), data)
        return _document({"PartNumber": part.number}, part.etag, headers)

    def _copy(self, bucket: Bucket, request: Request, pair: KeyPair) -> Reply:
        source = self._source(request, pair)
        if source.record.size > copying.MAX_COPY:
            raise errors.copy_too_large()
        about = _about(request)
        with bucket.receive() as incoming:
            for start in range(0, source.record.size, BLOCK):
                incoming.write(source.read(start, BLOCK))
            about = About(
                mime_type=source.record.mime_type,
                metadata={**source.record.metadata, **about.metadata},
                storage_class=about.storage_class,
            )
            return _stored(bucket.commit(request.key, incoming, about))

    def _source(self, request: Request, pair: KeyPair) -> copying.Source:
        name, key = copying.place(request)
        bucket = self.bucket(name)
        rights.check_source(pair, name, key)
        return copying.readable(bucket, key, self.clock.now())

    async def _form(self, bucket: Bucket, request: Request, body: Body) -> Reply:
        fields = forms.parse(request.headers.get("Content-Type", ""), await _all(body, MAX_PUT))
        signed = forms.target(request, fields)
        text = string_to_sign(signed, request.headers.get("Date", ""), fields.mime_type)
        pair = check_header(fields.authorization, (text,), self._keys)
        check_valid(pair, request, self.clock.now())
        rights.check(pair, signed)
        rights.check_overwriting(pair, bucket, fields.key)
        about = _about(request)
        with bucket.receive() as incoming:
            incoming.write(fields.content)
            about = About(mime_type=fields.mime_type, metadata=about.metadata, storage_class=about.storage_class)
            return _stored(bucket.commit(fields.key, incoming, about))

    def _read(self, bucket: Bucket, request: Request) -> Reply:
        now = self.clock.now()
        if request.key:
            status, content, headers = reading.read(bucket, request, now)
            return Reply(status, content, headers)
        query = request.query
        if "listobjects" in query:
            return _document(listing.objects(bucket.name, bucket.keys(), bucket.get, query))
        if "list" in query:
            return _document(listing.file_list(bucket.name, bucket.keys(), bucket.get, query, now))
        if "muploadpart" in query:
            upload = uploads.find(bucket, query.get("uploadId", ""))
            return _document(listing.part_list(bucket.name, upload, uploads.parts(bucket, upload), query))
        if "muploadid" in query:
            return _document(listing.upload_list(uploads.every(bucket), query))
        raise errors.bad_request("a bucket has no content")


async def _multipart(bucket: Bucket, request: Request, body: Body, pair: KeyPair) -> Reply:
    if "uploads" in request.query:
        upload = uploads.begin(bucket, request.key, _about(request))
        names = {"UploadId": upload.id, "BlkSize": BLOCK, "Bucket": bucket.name, "Key": request.key}
        return _document(names)
    if "uploadId" not in request.query:
        raise errors.bad_request("the stand-in does not implement this operation")
    upload = uploads.find(bucket, request.query["uploadId"], request.key)
    etags = [etag.strip().strip('"') for etag in (await _all(body, BLOCK)).decode(errors="replace").split(",")]
    rights.check_overwriting(pair, bucket, request.key)
    about, replaces = _about(request), request.headers.get("X-Ufile-Metadata-Directive") == "REPLACE"
    record = uploads.finish(bucket, upload, etags, about.mime_type, about.metadata if replaces else None)
    return _document({"Bucket": bucket.name, "Key": record.key, "FileSize": record.size}, record.etag)


def _delete(bucket: Bucket, request: Request) -> Reply:
    if "uploadId" in request.query:
        uploads.abort(bucket, uploads.find(bucket, request.query["uploadId"], request.key))
        return Reply(200)
    bucket.delete(request.key)
    return Reply(204)


async def _all(body: Body, limit: int) -> bytes:
    chunks = bytearray()
    async for chunk in body:
        chunks += chunk
        if len(chunks) > limit:
            raise errors.too_large()
    return bytes(chunks)


def _check_md5(request: Request, actual: str) -> None:
    if request.headers.get("Content-MD5", actual).lower() != actual:
        raise errors.wrong_md5()


def _about(request: Request) -> About:
    """The metadata and class in an upload's headers; raises UFileError for invalid ones."""
    lower = {name.lower(): value for name, value in request.headers.items()}
    metadata = {name.removeprefix(_METADATA): value for name, value in lower.items() if name.startswith(_METADATA)}
    if sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) > MAX_METADATA:
        raise errors.metadata_too_large()
    kind = request.headers.get("Content-Type", "")
    return About(mime_type=kind, metadata=metadata, storage_class=archive.wanted(request.headers))


def _stored(record: Record) -> Reply:
    return Reply(200, headers={"ETag": f'"{record.etag}"'})


def _document(value: dict[str, Any], etag: str = "", more: Mapping[str, str] | None = None) -> Reply:
    headers = {"Content-Type": "application/json", **(more or {})} | ({"ETag": f'"{etag}"'} if etag else {})
    return Reply(200, json.dumps(value).encode(), headers)
