"""Signed HTTP requests without the SDK: pooled connections with timeouts, no redirects, raw bodies.

Uses urllib3 directly: the overhead of requests (cookies, hooks, merged settings) exceeds the cost of a small object.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import urllib3
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers, parse_url

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_store import errors
from inference_image_store.client import ca_bundle
from inference_image_store.client.credentials import Credentials
from inference_image_store.client.objects import ARCHIVE, FileList
from inference_image_store.client.sdk import Sdk, Timeout
from inference_image_store.errors import ArchivedError, Doing, ErrorReply
from inference_image_store.transfers.parallel import WORKERS
from inference_image_store.upload.content import Body
from inference_image_store.wire_errors import describe

_RECEIVED = 1024 * 1024
"""Maximal bytes of a body read at a time; with fewer, threads wait more for each other."""
_SENT = 256 * 1024
"""Bytes of a body sent at a time; the timeout applies to each."""

_MAX_ERROR_BODY = 64 * 1024
_SUCCESS = range(200, 300)
_REFUSED = (400, 401, 403)
"""Statuses whose body tells the cause: keys, rights, bucket, or an archived object."""
_KEPT = "/-_.~!$&'()*+,;=:@"  # allowed in a path by RFC 3986: encoded or not, the server decodes the same key


class Wire:
    """Requests to one bucket, without retries. Raises StageError; TransientError when a retry may help."""

    def __init__(self, location: UFile, credentials: Credentials, sdk: Sdk, timeout: Timeout) -> None:
        self.bucket = location.bucket
        self._credentials = credentials
        self._base = f"{location.scheme}://{location.bucket}{location.suffix}/"
        self._sdk = sdk
        self._pool = _pool(self._base, timeout)

    @contextmanager
    def send(
        self,
        method: str,
        key: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        data: bytes | Body | None = None,
        also: Sequence[int] = (),
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """A successful response with an unread body.

        `key` is empty for the bucket itself; `query` is already encoded, because `?uploads` has no value. A status in
        `also` counts as success.
        """
        sent = {"Accept-Encoding": "identity", **self._credentials.headers, **(headers or {})}
        sent["Authorization"] = self._sdk.authorization(method, key, sent)
        if isinstance(data, Body):
            sent["Content-Length"] = str(len(data))
        url = self._base + quote(key, safe=_KEPT) + (f"?{query}" if query else "")
        try:
            response = self._pool.urlopen(
                method, url, body=data, headers=sent, redirect=False, preload_content=False, decode_content=False
            )
        except HTTPError as error:
            raise errors.unavailable(self.bucket, key, describe(error)) from error
        try:
            if response.status not in _SUCCESS and response.status not in also:
                raise self._refusal(method, key, query, response)
            yield response
        finally:
            if response.length_remaining == 0:
                response.drain_conn()  # so that the connection is reused
            else:
                response.close()

    def chunks(
        self, key: str, response: urllib3.BaseHTTPResponse, watch: Callable[[int], None] = lambda _: None
    ) -> Iterator[bytes]:
        """The body, as stored, in chunks as they arrive; `watch` gets the size of each.

        Raises TransientError when the body ends early or stalls, and whatever `watch` raises.
        """
        try:
            while chunk := response.read1(_RECEIVED, decode_content=False):
                watch(len(chunk))
                yield chunk
        except (HTTPError, OSError) as error:
            raise errors.unavailable(self.bucket, key, describe(error)) from error

    def body(
        self, key: str, response: urllib3.BaseHTTPResponse, limit: int, watch: Callable[[int], None] = lambda _: None
    ) -> bytes:
        """The whole body; raises StageError (`LimitExceeded`) as soon as it exceeds `limit` bytes."""
        data = bytearray()
        for chunk in self.chunks(key, response, watch):
            data += chunk
            if len(data) > limit:
                raise errors.over_limit(self.bucket, key, f"more than {limit} bytes")
        return bytes(data)

    def _refusal(self, method: str, key: str, query: str, response: urllib3.BaseHTTPResponse) -> StageError:
        answer = self._answer(method, key, response)
        if key and method in ("GET", "HEAD") and answer.status in _REFUSED and self._is_archived(key, answer):
            return ArchivedError(self.bucket, [key])
        return errors.failure(
            answer, self.bucket, key, _doing(method, key, query), temporary=self._credentials.temporary
        )

    def _answer(self, method: str, key: str, response: urllib3.BaseHTTPResponse) -> ErrorReply:
        """Parses an error reply. HEAD has no body, so a rejected HEAD is repeated as a GET of one byte."""
        if method == "HEAD":
            return self._explained(key, response.status) if response.status in _REFUSED else ErrorReply(response.status)
        return errors.parse(response.status, self.body(key, response, _MAX_ERROR_BODY))

    def _explained(self, key: str, status: int) -> ErrorReply:
        with self.send("GET", key, headers={"Range": "bytes=0-0"}):
            return ErrorReply(status, words="HEAD is rejected, GET is not")

    def _is_archived(self, key: str, answer: ErrorReply) -> bool:
        """Whether the object is archived. The service's error reply is not documented, but listings show the class."""
        if answer.code in (errors.BUCKET_NOT_EXISTS, errors.INVALID_SIGNATURE):
            return False
        try:
            with self.send("GET", "", query=f"list&prefix={quote(key, safe='')}&marker=&limit=1") as response:
                found = untrusted_json.read(
                    self.body("", response, _MAX_ERROR_BODY), FileList, max_bytes=_MAX_ERROR_BODY
                )
        except (StageError, ValueError):
            return False
        return any(entry.key == key and entry.storage_class == ARCHIVE for entry in found.entries)


def _doing(method: str, key: str, query: str) -> Doing:
    if method in ("GET", "HEAD"):
        return "download" if key else "upload" if query.startswith("muploadpart") else "listing"
    return "deletion" if method == "DELETE" and not query else "upload"


def _pool(base: str, timeout: Timeout) -> urllib3.PoolManager:
    """Connections to one host, with the proxy of the environment and the custom CA of the installation."""
    ca = Path(ca_bundle.bundle())
    options: dict[str, Any] = {
        "maxsize": WORKERS,
        "blocksize": _SENT,
        "timeout": urllib3.Timeout(connect=timeout[0], read=timeout[1]),
        "retries": False,
        "cert_reqs": "CERT_REQUIRED",
        "ca_cert_dir" if ca.is_dir() else "ca_certs": str(ca),
    }
    proxy = select_proxy(base, get_environ_proxies(base))
    if not proxy:
        return urllib3.PoolManager(**options)
    found = parse_url(proxy)
    login = make_headers(proxy_basic_auth=unquote(found.auth)) if found.auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=login, **options)
