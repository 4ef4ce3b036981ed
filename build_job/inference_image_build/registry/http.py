"""Sends requests to registries: TLS with a custom CA, basic and token authentication, retries, explained errors."""

import contextlib
import json
import secrets as random_numbers
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from inference_image_build.registry import errors as faults
from inference_image_build.registry.auth import Challenge, Login, find_login, may_see_login, parse_challenge
from inference_image_build.registry.errors import Reply
from inference_image_build.registry.references import DEFAULT_HOST, ImageReference
from inference_image_build.registry.tls import CustomCaAdapter
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

MAX_BODY = 4 * 1024 * 1024
"""Most bytes of a response: registries accept manifests of at most 4 MiB."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
SLOW = (60.0, 600.0)
"""The same for an upload: a registry may forward the data before it accepts more or answers."""
ATTEMPTS = 4
BACKOFF = 0.5
"""Seconds before the second attempt; doubled for each further attempt."""
_MAX_WAIT = 10.0
_DEFAULT_API_HOST = "registry-1.docker.io"
_RETRIED = frozenset({429, 500, 502, 503, 504})
_TRIES_TO_LOG_IN = 3
"""With the cached authorization, with a new token, and once more if the registry calls that token expired."""
_MAX_REDIRECTS = 3
_CHUNK = 64 * 1024


class RegistryHttp:
    """Sends requests to registries. Keeps connections and tokens for the life of one step; not thread-safe."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        ca: Path | None,
        plain_http_hosts: Collection[str],
        token_hosts: Collection[str] = (),
        *,
        names: RegistryNames,
        backoff: float = BACKOFF,
    ) -> None:
        """`names` says which hosts are the same registry: a login for one is valid for all."""
        self.names = names
        self._logins = logins
        self._plain_http_hosts = frozenset(host.lower() for host in plain_http_hosts)
        self._token_hosts = token_hosts
        self._backoff = backoff
        self._authorizations: dict[tuple[str, str], str] = {}
        self._session = requests.Session()
        self._session.auth = _keep_headers
        self._session.mount("https://", CustomCaAdapter(ca))

    def request(
        self,
        method: str,
        image: ImageReference,
        path: str,
        *,
        actions: str = "pull",
        source: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Sends a request about a repository; `path` is relative to it, or absolute on the same registry.

        `actions` are those of the token's scope; `source` is another repository of the registry to read from.
        Raises StageError: `RegistryUnauthorized` (401 and 403), `RegistryQuotaExceeded` (a 403 that says so),
        `RegistryNotAllowed` (a token server that must not see the login), `RegistryUnavailable` (5xx, 429, no
        connection, after retries), `RegistryTLS`.
        """
        url = self._url(image, path)
        scopes = [f"repository:{image.path}:{actions}", *([f"repository:{source}:pull"] if source else [])]
        known = (image.host, " ".join(scopes))
        for attempt in range(_TRIES_TO_LOG_IN):
            reply = self._send(method, url, image.host, _with(headers, self._authorizations.get(known, "")), body)
            if reply.status != requests.codes.unauthorized:
                break
            challenge = parse_challenge(reply.headers.get("WWW-Authenticate", ""))
            error = challenge.parameters.get("error", "")
            if attempt and (error != "invalid_token" or attempt == _TRIES_TO_LOG_IN - 1):
                raise faults.no_token(self.access(image, actions), error)
            self._authorizations[known] = self._authorize(image, scopes, actions, challenge)
        if reply.status == requests.codes.forbidden:
            refused = faults.unauthorized(self.access(image, actions), f"it answers {faults.summary(reply)}")
            raise faults.quota(image, reply) or refused
        return reply

    @contextlib.contextmanager
    def download(self, image: ImageReference, path: str) -> Iterator[requests.Response]:
        """The body of a GET as a stream; call `request` with the same scope first.

        Follows redirects, because blobs are often on another host: only to TLS, and without the login. Not retried.
        Raises StageError (`RegistryUnavailable`) and requests' errors.
        """
        url = self._url(image, path)
        headers = _with(None, self._authorizations.get((image.host, f"repository:{image.path}:pull"), ""))
        for _ in range(_MAX_REDIRECTS + 1):
            with self._session.get(
                url, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                if not response.is_redirect:
                    yield response
                    return
                target = urljoin(url, response.headers["Location"])
            if not (target.startswith("https://") or urlsplit(target).netloc in self._plain_http_hosts):
                raise faults.unavailable(image.host, f"it redirects to {target[:100]}, which has no TLS")
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {}
            url = target
        raise faults.unavailable(image.host, f"it redirects more than {_MAX_REDIRECTS} times")

    def upload(self, image: ImageReference, location: str, body: IO[bytes] | Iterable[bytes], size: int) -> Reply:
        """Sends a stream of `size` bytes to the location of an upload. The login goes only to the registry.

        Not retried. Raises StageError (`RegistryUnavailable`) and requests' errors.
        """
        url = urljoin(self._url(image, ""), location)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        if self._is_own(url, image.host):
            scope = f"repository:{image.path}:pull,push"
            known = [key for key in self._authorizations if key[0] == image.host and key[1].startswith(scope)]
            headers |= _with(None, self._authorizations[known[-1]] if known else "")
        elif not url.startswith("https://"):
            raise faults.unavailable(image.host, f"it demands an upload to {url[:100]}, which has no TLS")
        with self._session.put(url, data=body, headers=headers, timeout=SLOW, allow_redirects=False) as response:
            return Reply(response.status_code, response.headers, response.content[:MAX_BODY], url)

    def pause(self, attempt: int, wait: float = 0.0) -> None:
        """Waits before the next attempt; returns at once after the last."""
        if attempt < ATTEMPTS - 1:
            time.sleep(min(max(wait, self._jittered(attempt)), _MAX_WAIT))

    def _url(self, image: ImageReference, path: str) -> str:
        return urljoin(f"{self._base(image.host)}/v2/{image.path}/", path)

    def _base(self, host: str) -> str:
        scheme = "http" if host in self._plain_http_hosts else "https"
        return f"{scheme}://{_DEFAULT_API_HOST if host == DEFAULT_HOST else host}"

    def _is_own(self, url: str, host: str) -> bool:
        """Whether a URL belongs to this registry, under any of its names, with at least the same protection."""
        there, here = urlsplit(url), urlsplit(self._base(host))
        own = there.netloc == here.netloc or self.names.same(there.netloc, host)
        return own and there.scheme in {here.scheme, "https"}

    def _login(self, image: ImageReference) -> Login | None:
        return find_login(self._logins, image.host, self.names)

    def access(self, image: ImageReference, actions: str) -> faults.Access:
        """The request for these actions, for messages."""
        login = self._login(image)
        return faults.Access(image, actions, login.user if login else "", self.names)

    def _authorize(self, image: ImageReference, scopes: list[str], actions: str, challenge: Challenge) -> str:
        login = self._login(image)
        if challenge.scheme == "basic" and login:
            return login.basic()
        if challenge.scheme == "bearer":
            return f"Bearer {self._token(image, scopes, actions, challenge)}"
        raise faults.unauthorized(self.access(image, actions), "it asks for credentials")

    def _token(self, image: ImageReference, scopes: list[str], actions: str, challenge: Challenge) -> str:
        """A token for the scopes, from the server that the registry names."""
        login = self._login(image)
        realm = challenge.parameters.get("realm", "")
        schemes = ("https://", "http://") if image.host in self._plain_http_hosts else ("https://",)
        if not realm.startswith(schemes):
            raise faults.unavailable(image.host, f"its token server must be an https:// URL, not {realm[:100]!r}")
        server = urlsplit(realm).netloc.rpartition("@")[2]
        if login and not may_see_login(image.host, server, self._token_hosts, self.names):
            raise faults.foreign_token_server(image, server)
        query = urlencode([("service", challenge.parameters.get("service", "")), *(("scope", one) for one in scopes)])
        url = f"{realm}{'&' if '?' in realm else '?'}{query}"
        reply = self._send("GET", url, image.host, _with(None, login.basic() if login else ""))
        if reply.status in {requests.codes.unauthorized, requests.codes.forbidden}:
            detail = f"its token server answers {reply.status}"
            raise faults.unauthorized(self.access(image, actions), detail)
        token = _token_of(reply)
        if not token:
            raise faults.unavailable(image.host, f"its token server answers {reply.status} without a token")
        return token

    def _send(self, method: str, url: str, host: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """One request, retried while the registry is unavailable."""
        fault = ""
        for attempt in range(ATTEMPTS):
            wait = 0.0
            try:
                reply = self._send_once(method, url, headers, body)
            except requests.RequestException as error:
                if faults.is_tls(error):
                    raise faults.tls(host, error) from error
                fault = faults.describe(error)
            else:
                if reply.status not in _RETRIED:
                    return reply
                fault, wait = f"it answers {faults.summary(reply)}", _retry_after(reply)
            self.pause(attempt, wait)
        raise faults.unavailable(host, f"{fault} ({ATTEMPTS} attempts)")

    def _send_once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        with self._session.request(
            method, url, headers=headers, data=body, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as response:
            data = bytearray()
            for chunk in response.iter_content(_CHUNK):
                data += chunk
                if len(data) > MAX_BODY:
                    raise StageError(
                        Reason.LIMIT_EXCEEDED,
                        f"The registry {urlsplit(url).netloc} answers with more than {MAX_BODY} bytes for a manifest.",
                        "Use an image with a smaller manifest.",
                    )
            return Reply(response.status_code, response.headers, bytes(data), url)

    def _jittered(self, attempt: int) -> float:
        """Seconds of full-jitter backoff, at least half of the exponential step."""
        step = self._backoff * 2.0**attempt
        return step * (0.5 + random_numbers.randbelow(1000) / 2000)


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` that adds nothing: without it, requests would read a password from a netrc file."""
    return request


def _with(headers: Mapping[str, str] | None, authorization: str) -> Mapping[str, str]:
    return dict(headers or {}) | ({"Authorization": authorization} if authorization else {})


def _token_of(reply: Reply) -> str:
    try:
        document = json.loads(reply.body)
    except ValueError:
        return ""
    if reply.status != requests.codes.ok or not isinstance(document, dict):
        return ""
    token = document.get("token") or document.get("access_token")
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else ""


def _retry_after(reply: Reply) -> float:
    value = reply.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0
