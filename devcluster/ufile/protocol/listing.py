"""The documents of listings, as pure functions of a bucket's records and a request's query."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devcluster.ufile.protocol import errors
from devcluster.ufile.storage import archive
from devcluster.ufile.storage.disk import Record
from devcluster.ufile.storage.uploads import Part, Upload

_MAX_KEYS = 1000
_MAX_LIMIT = 10_000
_MAX_PARTS = 1000
_DELIMITERS = ("", "/")

Lookup = Callable[[str], Record]


def file_list(bucket: str, keys: Sequence[str], get: Lookup, query: Mapping[str, str], now: float) -> dict[str, Any]:
    """Reply to `?list`: at most `limit` (20) objects after `marker`; NextMarker is empty on the last page."""
    page, marker = _page(_after(keys, query), _number(query, "limit", 20, most=_MAX_LIMIT))
    return {
        "BucketName": bucket,
        "BucketId": bucket,
        "NextMarker": marker,
        "DataSet": [_entry(bucket, get(key), now) for key in page],
    }


def objects(bucket: str, keys: Sequence[str], get: Lookup, query: Mapping[str, str]) -> dict[str, Any]:
    """Reply to `?listobjects`: the same with `max-keys` (100); a delimiter rolls folders up.

    Sizes and MaxKeys are strings, as in the service.
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    if delimiter not in _DELIMITERS:
        raise errors.invalid_listing("delimiter", delimiter)
    limit = _number(query, "max-keys", 100, most=_MAX_KEYS, shown="maxkeys")
    names = _rolled_up(_after(keys, query), prefix, delimiter)
    names = [name for name in names if name.encode() > query.get("marker", "").encode()]
    page, marker = _page(names, limit)
    folders = [name for name in page if delimiter and name.endswith(delimiter) and len(name) > len(prefix)]
    return {
        "Name": bucket,
        "Prefix": prefix,
        "MaxKeys": str(limit),
        "Delimiter": delimiter,
        "IsTruncated": bool(marker),
        "NextMarker": marker,
        "Contents": [_content(get(name)) for name in page if name not in folders],
        "CommonPrefixes": [{"Prefix": name} for name in folders],
    }


def part_list(bucket: str, upload: Upload, parts: Sequence[Part], query: Mapping[str, str]) -> dict[str, Any]:
    """Reply to `?muploadpart`: the parts with numbers above the marker, or all without one."""
    after = _number(query, "part-number-marker", -1, least=-1, most=_MAX_LIMIT)
    limit = _number(query, "max-parts", _MAX_PARTS, most=_MAX_PARTS)
    rest = [part for part in parts if part.number > after]
    page = rest[:limit]
    return {
        "UploadId": upload.id,
        "Bucket": bucket,
        "Key": upload.key,
        "Parts": [
            {"PartNum": part.number, "Etag": part.etag, "Size": part.size, "LastModified": part.modified}
            for part in page
        ],
        "IsTruncated": len(rest) > limit,
        "NextPartNumberMarker": page[-1].number if page else after,
    }


def upload_list(uploads: Sequence[Upload], query: Mapping[str, str]) -> dict[str, Any]:
    """Reply to `?muploadid`: uploads of keys after `marker` with that `prefix`."""
    by_key = {upload.key: upload for upload in uploads}
    page, marker = _page(_after(sorted(by_key), query), _number(query, "limit", 20, most=_MAX_KEYS))
    shown = [upload for upload in uploads if upload.key in page]
    entries = [{"UploadId": upload.id, "FileName": upload.key, "StartTime": upload.started} for upload in shown]
    return {"DataSet": entries, "NextMarker": marker}


def _after(keys: Sequence[str], query: Mapping[str, str]) -> list[str]:
    prefix, marker = query.get("prefix", ""), query.get("marker", "").encode()
    return [key for key in keys if key.startswith(prefix) and key.encode() > marker]


def _page(names: Sequence[str], limit: int) -> tuple[Sequence[str], str]:
    """The first `limit` names, and the marker of the next page: the last name, or nothing at the end."""
    page = names[:limit]
    return page, page[-1] if len(names) > limit else ""


def _rolled_up(keys: Sequence[str], prefix: str, delimiter: str) -> list[str]:
    if not delimiter:
        return list(keys)
    names: dict[str, None] = {}
    for key in keys:
        head, found, _ = key[len(prefix) :].partition(delimiter)
        names[prefix + head + found] = None
    return list(names)


def _number(query: Mapping[str, str], name: str, default: int, *, most: int, least: int = 0, shown: str = "") -> int:
    """A listing parameter within its bounds; 0, which the service accepts, means the default here."""
    text = query.get(name) or str(default)
    try:
        value = int(text)
    except ValueError:
        raise errors.invalid_listing(shown or name, text) from None
    if not least <= value <= most:
        raise errors.invalid_listing(shown or name, text)
    return value if value or least < 0 else default


def _entry(bucket: str, record: Record, now: float) -> dict[str, Any]:
    restored = archive.status(record, now)
    return {
        "BucketName": bucket,
        "FileName": record.key,
        "ObjectName": record.key,
        "Hash": record.etag,
        "MimeType": record.mime_type,
        "Size": record.size,
        "CreateTime": record.created,
        "ModifyTime": record.modified,
        "StorageClass": record.storage_class,
    } | ({"RestoreStatus": restored} if restored else {})


def _content(record: Record) -> dict[str, Any]:
    return {
        "Key": record.key,
        "MimeType": record.mime_type,
        "ETag": record.etag,  # as the service's documentation spells it
        "Etag": record.etag,  # as its SDKs for Java and Go spell it
        "Size": str(record.size),
        "StorageClass": record.storage_class,
        "LastModified": record.modified,
        "CreateTime": record.created,
    }
