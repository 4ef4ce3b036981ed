"""Sends requests to registries: TLS with a custom CA, basic and token authentication, retries, explained errors."""

import contextlib
import secrets as random_numbers
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import requests

from inference_image_build.registry import challenges, redirects, replies
from inference_image_build.registry import errors as faults
from inference_image_build.registry.auth import Login, find_login
from inference_image_build.registry.challenges import Challenge
from inference_image_build.registry.redirects import Answer, Hosts
from inference_image_build.registry.references import ImageReference
from inference_image_build.registry.replies import Reply, TooLargeError
from inference_image_build.registry.tls import CustomCaAdapter
from inference_image_contract import registry_hosts
from inference_image_contract.errors import StageError
from inference_image_contract.registry_hosts import Origin, Url

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
SLOW = (60.0, 600.0)
"""The same for an upload: a registry may forward the data before it accepts more or answers."""
ATTEMPTS = 4
BACKOFF = 0.5
"""Seconds before the second attempt; doubled for each further attempt."""
_MAX_WAIT = 10.0
_RETRIED = frozenset({429, 500, 502, 503, 504})
_TRIES_TO_LOG_IN = 3
"""With the cached authorization, with a new token, and once more if the registry calls that token expired."""


class RegistryHttp:
    """Sends requests to registries. Keeps connections and tokens for the life of one step; not thread-safe."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        ca: Path | None,
        hosts: Hosts,
        *,
        backoff: float = BACKOFF,
    ) -> None:
        self.names = hosts.names
        self._hosts = hosts
        self._logins = logins
        self._backoff = backoff
        self._authorizations: dict[tuple[str, str], str] = {}
        self._session = requests.Session()
        self._session.auth = _keep_headers
        self._session.headers["Accept-Encoding"] = "identity"
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
        Redirects are followed as `redirects` decides.
        Raises StageError: `RegistryUnauthorized` (401 and 403), `RegistryQuotaExceeded` (a 403 that says so),
        `RegistryNotAllowed` (a token server that must not see the login), `RegistryUnavailable` (5xx, 429, no
        connection, after retries), `RegistryTLS`, `LimitExceeded`.
        """
        url = self._url(image, path)
        scopes = [f"repository:{image.path}:{actions}", *([f"repository:{source}:pull"] if source else [])]
        known = (image.host, " ".join(scopes))
        for attempt in range(_TRIES_TO_LOG_IN):
            authorized = _with(headers, self._authorizations.get(known, ""))
            reply = self._send(method, url, image.host, authorized, body=body)
            if reply.status in {requests.codes.unauthorized, requests.codes.forbidden}:
                self._check_own(image, reply)
            if reply.status != requests.codes.unauthorized:
                break
            asked = challenges.understood(challenges.parse(reply.challenges))
            error = asked[0].parameters.get("error", "") if asked else ""
            if attempt and (error != "invalid_token" or attempt == _TRIES_TO_LOG_IN - 1):
                raise faults.no_token(self.access(image, actions), error)
            self._authorizations[known] = self._authorize(image, scopes, actions, asked)
        if reply.status == requests.codes.forbidden:
            refused = faults.unauthorized(self.access(image, actions), f"it answers {replies.summary(reply)}")
            raise faults.quota(image, reply) or refused
        return reply

    @contextlib.contextmanager
    def download(self, image: ImageReference, path: str) -> Iterator[requests.Response]:
        """The body of a GET as a stream; call `request` with the same scope first. Not retried.

        Blobs are often on another host, so redirects are followed as `redirects` decides.
        Raises StageError (`RegistryTLS`, `RegistryUnavailable`) and requests' errors.
        """
        headers = _with(None, self._authorizations.get((image.host, f"repository:{image.path}:pull"), ""))
        with self._opened("GET", self._url(image, path), image.host, headers) as response:
            yield response

    def upload(self, image: ImageReference, location: str, body: IO[bytes] | Iterable[bytes], size: int) -> Reply:
        """Sends a stream of `size` bytes to the location of an upload. The login goes only to the registry.

        Not retried. Raises StageError (`RegistryTLS`, `RegistryNotAllowed`, `RegistryUnavailable`) and requests'
        errors.
        """
        url, is_own = self.upload_target(image, location)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        if is_own:
            scope = f"repository:{image.path}:pull,push"
            known = [key for key in self._authorizations if key[0] == image.host and key[1].startswith(scope)]
            headers |= _with(None, self._authorizations[known[-1]] if known else "")
        with self._session.put(
            str(url), data=body, headers=headers, timeout=SLOW, allow_redirects=False, stream=True
        ) as response:
            return _read(response, image.host)

    def upload_target(self, image: ImageReference, location: str) -> tuple[Url, bool]:
        """The URL of an upload, and whether the login goes there. Raises StageError as `redirects.upload_target`."""
        return redirects.upload_target(self._hosts, image.host, self._url(image, ""), location)

    def pause(self, attempt: int, wait: float = 0.0) -> None:
        """Waits before the next attempt; returns at once after the last."""
        if attempt < ATTEMPTS - 1:
            time.sleep(min(max(wait, self._jittered(attempt)), _MAX_WAIT))

    def _url(self, image: ImageReference, path: str) -> Url:
        return registry_hosts.url(path, Url(self._origin(image.host), f"/v2/{image.path}/"))

    def _origin(self, host: str) -> Origin:
        return self._hosts.origin(host)

    def _check_own(self, image: ImageReference, reply: Reply) -> None:
        """Refuses a 401 or 403 of a host that the registry redirects to: it must not ask for the registry's login."""
        there = registry_hosts.url(reply.url).origin
        if there != self._origin(image.host):
            raise faults.unavailable(image.host, f"{there}, to which it redirects, answers {reply.status}")

    def _login(self, image: ImageReference) -> Login | None:
        return find_login(self._logins, image.host, self.names)

    def access(self, image: ImageReference, actions: str) -> faults.Access:
        """The request for these actions, for messages."""
        login = self._login(image)
        return faults.Access(image, actions, login.user if login else "", self.names)

    def _authorize(self, image: ImageReference, scopes: list[str], actions: str, asked: list[Challenge]) -> str:
        """The header for the first challenge that can be answered. Raises the error of the first that cannot."""
        login, failures = self._login(image), list[StageError]()
        for challenge in asked:
            if challenge.scheme == challenges.BASIC and login:
                return login.basic()
            if challenge.scheme == challenges.BEARER:
                try:
                    server = self._token_server(image, challenge, login)
                except StageError as error:
                    failures.append(error)
                else:
                    return f"Bearer {self._token(image, scopes, actions, server, challenge)}"
        raise failures[0] if failures else faults.unauthorized(self.access(image, actions), "it asks for credentials")

    def _token_server(self, image: ImageReference, challenge: Challenge, login: Login | None) -> Url:
        """The token server of a challenge. Raises StageError if it must not be asked."""
        realm = challenge.parameters.get("realm", "")
        try:
            server = registry_hosts.url(realm)
        except ValueError as error:
            detail = f"its token server must be an https:// URL, not {faults.shown(realm)}"
            raise faults.unavailable(image.host, detail) from error
        if server.origin.scheme == "http" and self._origin(image.host).scheme == "https":
            raise faults.without_tls(image.host, f"names the token server {faults.shown(str(server))}")
        if login and not challenges.may_see_login(
            image.host, server.origin.host, self._hosts.token_servers, self.names
        ):
            raise faults.foreign_token_server(image, server.origin.host)
        return server

    def _token(self, image: ImageReference, scopes: list[str], actions: str, server: Url, challenge: Challenge) -> str:
        """A token for the scopes from the token server."""
        login, service = self._login(image), challenge.parameters.get("service", "")
        query = urlencode([("service", service), *(("scope", one) for one in scopes)])
        url = server._replace(target=f"{server.target}{'&' if '?' in server.target else '?'}{query}")
        headers = _with(None, login.basic() if login else "")
        reply = self._send("GET", url, image.host, headers, limit=replies.MAX_TOKEN)
        if reply.status in {requests.codes.unauthorized, requests.codes.forbidden}:
            detail = f"its token server answers {reply.status}"
            raise faults.unauthorized(self.access(image, actions), detail)
        token = _token_of(reply)
        if not token:
            raise faults.unavailable(image.host, f"its token server answers {reply.status} without a token")
        return token

    def _send(
        self,
        method: str,
        url: Url,
        host: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        limit: int = replies.MAX_BODY,
    ) -> Reply:
        """One request, retried while the registry is unavailable."""
        fault, explain = "", faults.unavailable
        for attempt in range(ATTEMPTS):
            wait = 0.0
            try:
                with self._opened(method, url, host, headers, body) as response:
                    reply = _read(response, host, limit)
            except requests.RequestException as error:
                if faults.is_tls(error):
                    raise faults.tls(host, error) from error
                fault = faults.describe(error)
            else:
                if reply.status not in _RETRIED:
                    return reply
                fault, wait = f"it answers {replies.summary(reply)}", replies.retry_after(reply)
                is_limited = reply.status == requests.codes.too_many_requests
                explain = faults.limited if is_limited else faults.unavailable
            self.pause(attempt, wait)
        raise explain(host, f"{fault} ({ATTEMPTS} attempts)")

    @contextlib.contextmanager
    def _opened(
        self, method: str, url: Url, host: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[requests.Response]:
        """The response to a request, after its redirects, which get the login only within the origin."""
        for _ in range(redirects.MAX_REDIRECTS + 1):
            with self._session.request(
                method, str(url), headers=headers, data=body, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                location = response.headers.get("Location", "")
                answer = Answer(url, response.status_code, location)
                there = redirects.following(self._hosts, host, method, answer)
                if there is None:
                    yield response
                    return
            if there.origin != url.origin:
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = there
        raise faults.unavailable(host, f"it redirects more than {redirects.MAX_REDIRECTS} times")

    def _jittered(self, attempt: int) -> float:
        """Seconds of full-jitter backoff, at least half of the exponential step."""
        step = self._backoff * 2.0**attempt
        return step * (0.5 + random_numbers.randbelow(1000) / 2000)


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` that adds nothing: without it, requests would read a password from a netrc file."""
    return request


def _with(headers: Mapping[str, str] | None, authorization: str) -> Mapping[str, str]:
    return dict(headers or {}) | ({"Authorization": authorization} if authorization else {})


def _read(response: requests.Response, host: str, limit: int = replies.MAX_BODY) -> Reply:
    try:
        return replies.read(response, limit)
    except TooLargeError as error:
        raise faults.too_large(host, error.limit) from error


def _token_of(reply: Reply) -> str:
    found = replies.document(reply.body)
    if reply.status != requests.codes.ok or not isinstance(found, dict):
        return ""
    token = found.get("token") or found.get("access_token")
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else ""
