"""Signed requests of our own: one session with timeouts, without redirects, and the body as it is on the wire."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from inference_image_contract.inputs import UFile
from inference_image_store import failures, trust
from inference_image_store.broken import describe
from inference_image_store.content import Body
from inference_image_store.failures import Answer
from inference_image_store.parallel import WORKERS
from inference_image_store.sdk import Sdk, Timeout

CHUNK = 256 * 1024
"""Bytes that are held of each body on its way, in either direction."""

_MAX_ERROR_BODY = 64 * 1024
_SUCCESS = range(200, 300)
_FORBIDDEN = 403
_KEPT = "/-_.~!$&'()*+,;=:@"  # what RFC 3986 lets stand in a path: encoded or not, the server decodes the same key


class Wire:
    """Requests about one bucket, each made once. Raises StageError; TransientError where another try may help."""

    def __init__(self, location: UFile, sdk: Sdk, timeout: Timeout) -> None:
        self.bucket = location.bucket
        self._base = f"{location.scheme}://{location.bucket}{location.suffix}/"
        self._sdk = sdk
        self._timeout = timeout
        self._session = requests.Session()
        # Looked up once: to ask the environment at each request costs as much as the request.
        self._session.trust_env = False
        self._session.proxies.update(get_environ_proxies(self._base))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_maxsize=WORKERS))

    @contextmanager
    def send(
        self,
        method: str,
        key: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        data: bytes | Body | None = None,
    ) -> Iterator[requests.Response]:
        """A successful answer, its body not read yet.

        `key` is empty for the bucket itself; `query` is encoded already, because `?uploads` must stay bare.
        """
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        url = self._base + quote(key, safe=_KEPT)

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = self._sdk.authorization(method, key, sent)
            return request

        try:
            response = self._session.request(
                method,
                url,
                params=query,
                headers=sent,
                data=data,
                auth=sign,
                timeout=self._timeout,
                allow_redirects=False,
                verify=trust.verify(),
                stream=True,
            )
        except requests.RequestException as error:
            raise failures.unavailable(self.bucket, key, describe(error)) from error
        with response:
            if response.status_code not in _SUCCESS:
                raise failures.failure(self._answer(method, key, response), self.bucket, key)
            yield response

    def chunks(
        self, key: str, response: requests.Response, watch: Callable[[int], None] = lambda _: None
    ) -> Iterator[bytes]:
        """The body, as stored, in pieces as they arrive; `watch` is told of each.

        Raises TransientError when it ends early or falls silent, and what `watch` raises.
        """
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                watch(len(chunk))
                yield chunk
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise failures.unavailable(self.bucket, key, describe(error)) from error

    def body(
        self, key: str, response: requests.Response, limit: int, watch: Callable[[int], None] = lambda _: None
    ) -> bytes:
        """The whole body; raises StageError (`LimitExceeded`) as soon as it exceeds `limit` bytes."""
        data = bytearray()
        for chunk in self.chunks(key, response, watch):
            data += chunk
            if len(data) > limit:
                raise failures.over_limit(self.bucket, key, f"more than {limit} bytes")
        return bytes(data)

    def _answer(self, method: str, key: str, response: requests.Response) -> Answer:
        """What an error answer says. One to HEAD has no body, so a refusal is asked again, for one byte, with GET."""
        if method == "HEAD":
            return self._explained(key) if response.status_code == _FORBIDDEN else Answer(response.status_code)
        return failures.parse(response.status_code, self.body(key, response, _MAX_ERROR_BODY))

    def _explained(self, key: str) -> Answer:
        with self.send("GET", key, headers={"Range": "bytes=0-0"}):
            return Answer(_FORBIDDEN, words="HEAD is refused, GET is not")


class _Adapter(HTTPAdapter):
    """Sends bodies in pieces that are worth a system call."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().init_poolmanager(*arguments, **options, blocksize=CHUNK)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> urllib3.ProxyManager:  # noqa: ANN401 - handed on
        manager: urllib3.ProxyManager = super().proxy_manager_for(*arguments, **options, blocksize=CHUNK)
        return manager
