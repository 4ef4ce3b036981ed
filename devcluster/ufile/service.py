"""The protocol: one request in, one reply out. Knows buckets and signatures, nothing of sockets and faults."""

import asyncio
import json
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from devcluster.ufile import errors, forms, listing, reading, uploads
from devcluster.ufile.accounts import KeyPair
from devcluster.ufile.digests import BLOCK
from devcluster.ufile.disk import Bucket, Record
from devcluster.ufile.reading import Slice
from devcluster.ufile.request import Request
from devcluster.ufile.signature import authenticate, check_header, string_to_sign

MAX_PUT = 512 * 1024 * 1024
"""Bytes of a plain PUT; larger objects need a multipart upload."""
_METADATA = "x-ufile-meta-"

Body = AsyncIterable[bytes]


@dataclass(frozen=True)
class Reply:
    """What goes back: a document, or a slice of an object."""

    status: int
    body: bytes | Slice = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """Buckets and the key pairs that may use them."""

    def __init__(self, root: Path, buckets: Iterable[str], keys: Iterable[KeyPair]) -> None:
        self.buckets = {name: Bucket(name, root / name) for name in buckets}
        self._keys = {pair.public_key: pair for pair in keys}

    async def answer(self, request: Request, body: Body) -> Reply:
        """The reply to a request; raises UFileError for every reply that is not a success."""
        bucket = self.buckets.get(request.bucket)
        if bucket is None:
            raise errors.no_bucket()
        if request.method == "POST" and not request.key:
            return await self._form(bucket, request, body)
        pair = authenticate(request, self._keys)
        _authorize(pair, request)
        if request.method in ("GET", "HEAD"):
            return _read(bucket, request)
        if request.method == "PUT":
            return await self._put(bucket, request, body, pair)
        if request.method == "POST":
            return await _multipart(bucket, request, body)
        if request.method == "DELETE":
            return _delete(bucket, request)
        raise errors.bad_request(f"no such method: {request.method}")

    async def _put(self, bucket: Bucket, request: Request, body: Body, pair: KeyPair) -> Reply:
        if not request.key:
            raise errors.bad_request("no key")
        if "uploadId" in request.query:
            return await _put_part(bucket, request, body)
        if source := request.headers.get("X-Ufile-Copy-Source", ""):
            return self._copy(bucket, request, source, pair)
        with bucket.receive(md5="Content-MD5" in request.headers) as incoming:
            async for chunk in body:
                await asyncio.to_thread(incoming.write, chunk)  # other requests go on while this one is written
                if incoming.digests.size > MAX_PUT:
                    raise errors.too_large()
            _check_md5(request, incoming.digests.md5())
            return _stored(bucket.commit(request.key, incoming, _mime_type(request), _metadata(request)))

    def _copy(self, bucket: Bucket, request: Request, source: str, pair: KeyPair) -> Reply:
        source_bucket, _, source_key = unquote(source).removeprefix("/").partition("/")
        if source_bucket not in self.buckets:
            raise errors.no_bucket()
        if not pair.allows(source_bucket, "read"):
            raise errors.no_authorization()
        record = self.buckets[source_bucket].get(source_key)
        with self.buckets[source_bucket].open(record) as file, bucket.receive() as incoming:
            while chunk := file.read(BLOCK):
                incoming.write(chunk)
            metadata = {**record.metadata, **_metadata(request)}
            return _stored(bucket.commit(request.key, incoming, record.mime_type, metadata))

    async def _form(self, bucket: Bucket, request: Request, body: Body) -> Reply:
        fields = forms.parse(request.headers.get("Content-Type", ""), await _all(body, MAX_PUT))
        text = string_to_sign(forms.target(request, fields), request.headers.get("Date", ""), fields.mime_type)
        pair = check_header(fields.authorization, (text,), self._keys)
        if not pair.allows(bucket.name, "write"):
            raise errors.no_authorization()
        with bucket.receive() as incoming:
            incoming.write(fields.content)
            return _stored(bucket.commit(fields.key, incoming, fields.mime_type, _metadata(request)))


def _authorize(pair: KeyPair, request: Request) -> None:
    permission = "read" if request.method in ("GET", "HEAD") else "write"
    if not pair.allows(request.bucket, permission):
        raise errors.no_authorization()


def _read(bucket: Bucket, request: Request) -> Reply:
    if request.key:
        status, content, headers = reading.read(bucket, request)
        return Reply(status, content, headers)
    query = request.query
    if "listobjects" in query:
        return _document(listing.objects(bucket.name, bucket.keys(), bucket.get, query))
    if "list" in query:
        return _document(listing.file_list(bucket.name, bucket.keys(), bucket.get, query))
    if "muploadpart" in query:
        upload = uploads.find(bucket, query.get("uploadId", ""))
        return _document(listing.part_list(bucket.name, upload, uploads.parts(bucket, upload), query))
    if "muploadid" in query:
        return _document(listing.upload_list(uploads.every(bucket), query))
    raise errors.bad_request("a bucket cannot be read")


async def _put_part(bucket: Bucket, request: Request, body: Body) -> Reply:
    if "X-Ufile-Copy-Source" in request.headers:
        raise errors.bad_request("a part made by copying is not an operation of the stand-in")
    upload = uploads.find(bucket, request.query["uploadId"], request.key)
    number = request.query.get("partNumber", "")
    if not number.isdigit():
        raise errors.bad_request("partNumber is not a number")
    data = await _all(body, BLOCK)
    part = await asyncio.to_thread(uploads.put_part, bucket, upload, int(number), data)
    return _document({"PartNumber": part.number}, part.etag)


async def _multipart(bucket: Bucket, request: Request, body: Body) -> Reply:
    if "uploads" in request.query:
        upload = uploads.begin(bucket, request.key, _metadata(request))
        names = {"UploadId": upload.id, "BlkSize": BLOCK, "Bucket": bucket.name, "Key": request.key}
        return _document(names)
    if "uploadId" not in request.query:
        raise errors.bad_request("not an operation of the stand-in")
    upload = uploads.find(bucket, request.query["uploadId"], request.key)
    etags = [etag.strip().strip('"') for etag in (await _all(body, BLOCK)).decode(errors="replace").split(",")]
    record = uploads.finish(bucket, upload, etags, _mime_type(request), _metadata(request))
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
        raise errors.bad_request("Content-MD5 does not match the body")


def _mime_type(request: Request) -> str:
    return request.headers.get("Content-Type", "")


def _metadata(request: Request) -> dict[str, str]:
    lower = {name.lower(): value for name, value in request.headers.items()}
    return {name.removeprefix(_METADATA): value for name, value in lower.items() if name.startswith(_METADATA)}


def _stored(record: Record) -> Reply:
    return Reply(200, headers={"ETag": f'"{record.etag}"'})


def _document(value: dict[str, Any], etag: str = "") -> Reply:
    headers = {"Content-Type": "application/json"} | ({"ETag": f'"{etag}"'} if etag else {})
    return Reply(200, json.dumps(value).encode(), headers)
