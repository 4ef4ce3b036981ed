"""Maps a request to the rights of a token: download, upload, delete or list, and the keys concerned.

It is not documented that parts, finishing an upload and a restore count as uploads; that is what they do.
"""

from devcluster.ufile.protocol import errors
from devcluster.ufile.protocol.accounts import KeyPair, Operation
from devcluster.ufile.protocol.request import Request
from devcluster.ufile.storage.disk import Bucket


def check(pair: KeyPair, request: Request) -> None:
    """Raises UFileError when the pair does not allow the request."""
    operation, key = _needed(request)
    if not pair.allows(request.bucket, operation, key):
        raise errors.no_authorization()


def check_source(pair: KeyPair, bucket: str, key: str) -> None:
    """Raises UFileError unless the pair allows a copy from there, which needs the right to read (API copy.md)."""
    if not pair.allows(bucket, "download", key):
        raise errors.no_authorization()


def check_overwriting(pair: KeyPair, bucket: Bucket, key: str) -> None:
    """Raises UFileError when an upload would replace an object and the pair does not allow that."""
    if not pair.overwrite and bucket.has(key):
        raise errors.no_authorization()


def _needed(request: Request) -> tuple[Operation, str]:
    if request.method in ("GET", "HEAD"):
        if request.key:
            return "download", request.key
        return ("upload", "") if "muploadpart" in request.query else ("list", request.query.get("prefix", ""))
    if request.method == "DELETE" and "uploadId" not in request.query:
        return "delete", request.key
    return "upload", request.key
