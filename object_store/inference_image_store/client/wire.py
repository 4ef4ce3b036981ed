"""Signed requests of our own: pooled connections with timeouts, without redirects, and the body as it is on the wire.

On urllib3 itself: what requests adds for each request (cookies, hooks, settings to merge) costs more than a small
object does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import urllib3
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers, parse_url

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_store import errors
from inference_image_store.client import ca_bundle
from inference_image_store.client.credentials import Credentials
from inference_image_store.client.objects import ARCHIVE, FileList
from inference_image_store.client.sdk import Sdk, Timeout
from inference_image_store.errors import Answer, ArchivedError, Doing
from inference_image_store.transfers.parallel import WORKERS
from inference_image_store.upload.content import Body
from inference_image_store.wire_errors import describe

_RECEIVED = 1024 * 1024
"""Bytes of a body that are taken at a time, if as many are there: fewer, and threads wait for each other more."""
_SENT = 256 * 1024
"""Bytes of a body that are sent at a time: the timeout is for each."""

_MAX_ERROR_BODY = 64 * 1024
_SUCCESS = range(200, 300)
_REFUSED = (400, 401, 403)
"""Statuses of answers whose body tells what they mean: keys, rights, bucket, or an archived object."""
_KEPT = "/-_.~!$&'()*+,;=:@"  # what RFC 3986 lets stand in a path: encoded or not, the server decodes the same key


class Wire:
    """Requests about one bucket, each made once. Raises StageError; TransientError where another try may help."""

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
        """A successful answer, its body not read yet.

        `key` is empty for the bucket itself; `query` is encoded already, because `?uploads` must stay bare. A status
        of `also` counts as success.
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
                response.drain_conn()  # the connection serves again
            else:
                response.close()

    def chunks(
        self, key: str, response: urllib3.BaseHTTPResponse, watch: Callable[[int], None] = lambda _: None
    ) -> Iterator[bytes]:
        """The body, as stored, in pieces as they arrive; `watch` is told of each.

        Raises TransientError when it ends early or falls silent, and what `watch` raises.
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

    def _answer(self, method: str, key: str, response: urllib3.BaseHTTPResponse) -> Answer:
        """What an error answer says. One to HEAD has no body, so a refusal is asked again, for one byte, with GET."""
        if method == "HEAD":
            return self._explained(key, response.status) if response.status in _REFUSED else Answer(response.status)
        return errors.parse(response.status, self.body(key, response, _MAX_ERROR_BODY))

    def _explained(self, key: str, status: int) -> Answer:
        with self.send("GET", key, headers={"Range": "bytes=0-0"}):
            return Answer(status, words="HEAD is refused, GET is not")

    def _is_archived(self, key: str, answer: Answer) -> bool:
        """Whether that is why it is refused: how the service says so is not documented, but listings tell the class."""
        if answer.code in (errors.BUCKET_NOT_EXISTS, errors.INVALID_SIGNATURE):
            return False
        try:
            with self.send("GET", "", query=f"list&prefix={quote(key, safe='')}&marker=&limit=1") as response:
                found = msgspec.json.decode(self.body("", response, _MAX_ERROR_BODY), type=FileList)
        except (StageError, msgspec.DecodeError):
            return False
        return any(entry.key == key and entry.storage_class == ARCHIVE for entry in found.entries)


def _doing(method: str, key: str, query: str) -> Doing:
    if method in ("GET", "HEAD"):
        return "download" if key else "upload" if query.startswith("muploadpart") else "listing"
    return "deletion" if method == "DELETE" and not query else "upload"


def _pool(base: str, timeout: Timeout) -> urllib3.PoolManager:
    """Connections to one host, as the environment and the installation want them: by a proxy, with an own CA."""
    ca = Path(ca_bundle.bundle())
    options: dict[str, Any] = {
        "maxsize": WORKERS,
        "blocksize": _SENT,
        "timeout": urllib3.Timeout(*timeout),
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
