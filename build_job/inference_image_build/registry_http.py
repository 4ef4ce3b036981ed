"""One HTTP request to a registry: TLS with an own CA, basic and token authentication, retries, errors explained."""

import json
import secrets as random_numbers
import ssl
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.references import DEFAULT_HOST, ImageReference
from inference_image_build.registry_auth import Challenge, Login, normalise_host, parse_challenge
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

MAX_BODY = 4 * 1024 * 1024
"""Bytes of an answer: registries accept manifests of at most 4 MiB."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
ATTEMPTS = 4
BACKOFF = 0.5
"""Seconds before the second attempt; doubled for each further one."""
_MAX_WAIT = 10.0
_DEFAULT_API_HOST = "registry-1.docker.io"
_RETRIED = frozenset({429, 500, 502, 503, 504})


class Reply(NamedTuple):
    """An answer that is no authentication failure and no outage."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class RegistryHttp:
    """Requests to registries. Keeps connections and tokens for the life of one stage; not for several threads."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        ca: Path | None,
        plain_http_hosts: Collection[str],
        *,
        backoff: float = BACKOFF,
    ) -> None:
        self._logins = logins
        self._plain_http_hosts = plain_http_hosts
        self._backoff = backoff
        self._authorizations: dict[tuple[str, str], str] = {}
        self._session = requests.Session()
        self._session.auth = _keep_headers
        self._session.mount("https://", _OwnCaAdapter(ca))

    def request(
        self,
        method: str,
        image: ImageReference,
        path: str,
        *,
        actions: str = "pull",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Sends a request about a repository; `path` is relative to it, or begins at the root of the same registry.

        `actions` are those of the token's scope. Raises StageError: `RegistryUnauthorized` (401 and 403),
        `RegistryUnavailable` (5xx, 429, no connection, after retries), `RegistryTLS`.
        """
        url = urljoin(f"{self._base(image.host)}/v2/{image.path}/", path)
        scope = f"repository:{image.path}:{actions}"
        authorization = self._authorizations.get((image.host, scope), "")
        reply = self._send(method, url, image.host, _with(headers, authorization), body)
        if reply.status == requests.codes.unauthorized:
            challenge = parse_challenge(reply.headers.get("WWW-Authenticate", ""))
            authorization = self._authorize(image, scope, challenge)
            self._authorizations[image.host, scope] = authorization
            reply = self._send(method, url, image.host, _with(headers, authorization), body)
        if reply.status in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise self._unauthorized(image, actions, f"it answers {reply.status}")
        return reply

    def _base(self, host: str) -> str:
        scheme = "http" if host in self._plain_http_hosts else "https"
        return f"{scheme}://{_DEFAULT_API_HOST if host == DEFAULT_HOST else host}"

    def _authorize(self, image: ImageReference, scope: str, challenge: Challenge) -> str:
        login = self._logins.get(normalise_host(image.host))
        if challenge.scheme == "basic" and login:
            return login.basic()
        if challenge.scheme == "bearer":
            return f"Bearer {self._token(image, scope, challenge, login)}"
        raise self._unauthorized(image, scope.rpartition(":")[2], "it asks for credentials")

    def _token(self, image: ImageReference, scope: str, challenge: Challenge, login: Login | None) -> str:
        """A token for the scope, from the server that the registry names."""
        realm = challenge.parameters.get("realm", "")
        schemes = ("https://", "http://") if image.host in self._plain_http_hosts else ("https://",)
        if not realm.startswith(schemes):
            raise _unavailable(image.host, f"it names no token server with TLS, but {realm[:100]!r}")
        query = urlencode({"service": challenge.parameters.get("service", ""), "scope": scope})
        url = f"{realm}{'&' if '?' in realm else '?'}{query}"
        reply = self._send("GET", url, image.host, _with(None, login.basic() if login else ""))
        if reply.status in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise self._unauthorized(image, scope.rpartition(":")[2], f"its token server answers {reply.status}")
        token = _token_of(reply)
        if not token:
            raise _unavailable(image.host, f"its token server answers {reply.status} without a token")
        return token

    def _send(self, method: str, url: str, host: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
        """One request, repeated while the registry is unavailable."""
        fault = ""
        for attempt in range(ATTEMPTS):
            try:
                reply = self._send_once(method, url, headers, body)
            except requests.RequestException as error:
                if isinstance(error, requests.exceptions.SSLError) and "EOF" not in str(error):
                    raise _tls(host, error) from error
                fault, wait = _describe(error), 0.0
            else:
                if reply.status not in _RETRIED:
                    return reply
                fault, wait = f"it answers {reply.status}", _retry_after(reply)
            if attempt < ATTEMPTS - 1:
                time.sleep(min(max(wait, self._jittered(attempt)), _MAX_WAIT))
        raise _unavailable(host, f"{fault} ({ATTEMPTS} attempts)")

    def _send_once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        with self._session.request(
            method, url, headers=headers, data=body, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as response:
            data = bytearray()
            for chunk in response.iter_content(64 * 1024):
                data += chunk
                if len(data) > MAX_BODY:
                    raise StageError(
                        Reason.LIMIT_EXCEEDED,
                        f"The registry {urlsplit(url).netloc} answers more than {MAX_BODY} bytes for a manifest.",
                        "Use an image whose manifest is of ordinary size.",
                    )
            return Reply(response.status_code, response.headers, bytes(data), url)

    def _jittered(self, attempt: int) -> float:
        """Seconds of full-jitter backoff, at least half of the exponential step."""
        step = self._backoff * 2.0**attempt
        return step * (0.5 + random_numbers.randbelow(1000) / 2000)

    def _unauthorized(self, image: ImageReference, actions: str, detail: str) -> StageError:
        verb = "pushing to" if "push" in actions else "reading"
        login = self._logins.get(normalise_host(image.host))
        who = f"as user {login.user}" if login else "without credentials"
        return StageError(
            Reason.REGISTRY_UNAUTHORIZED,
            f"The registry {image.host} refuses {verb} {image.repository} {who}: {detail}.",
            f"Check the user and password for {image.host} in the Secret named in spec.image.pushSecretRef and that "
            f"this user may {'push' if 'push' in actions else 'pull'} there, {REQUEST_AGAIN}",
        )


class _OwnCaAdapter(HTTPAdapter):
    """Trusts a CA file beside the public authorities."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the signature of requests
        """Called by requests when it makes its pools."""
        super().init_poolmanager(*arguments, ssl_context=self._context(), **options)

    def _context(self) -> ssl.SSLContext:
        context = create_urllib3_context()
        # Python 3.13 refuses authorities without every key identifier; Kaniko and the nodes accept them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self._ca is not None and self._ca.exists():
            try:
                context.load_verify_locations(cafile=str(self._ca))
            except ssl.SSLError as error:
                raise StageError(
                    Reason.REGISTRY_TLS,
                    "The registry's CA (ca.crt) is not a certificate in PEM form.",
                    f"Put the certificate as ca.crt into the Secret named in spec.image.caSecretRef, {REQUEST_AGAIN}",
                ) from error
        return context


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An `auth` that adds nothing: without one, requests would take a password from a netrc file."""
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


def _describe(error: requests.RequestException) -> str:
    """The cause in a few words; the library's own text repeats addresses and objects."""
    if "NameResolutionError" in repr(error):
        return "its name cannot be resolved"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(error, requests.exceptions.Timeout):
        return "it does not answer in time"
    if "refused" in str(error):
        return "the connection is refused"
    return f"the connection breaks ({type(error).__name__})"


def _unavailable(host: str, detail: str) -> StageError:
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {host} is not usable: {detail}.",
        "Nothing to do if the registry is only down for now: the stage is tried again. Otherwise check the host name.",
    )


def _tls(host: str, error: requests.exceptions.SSLError) -> StageError:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "wrong version number" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The registry {host} does not speak TLS.",
            "Check host and port; a registry without TLS must be allowed in the chart's values (plain HTTP hosts).",
        )
    if "self-signed" in text or "unable to get local issuer" in text:
        return StageError(
            Reason.REGISTRY_TLS,
            f"The certificate of the registry {host} is signed by an authority that is not trusted here.",
            "Put the certificate of the registry's CA as ca.crt into the Secret named in spec.image.caSecretRef, "
            f"{REQUEST_AGAIN}",
        )
    detail = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or type(error).__name__
    return StageError(
        Reason.REGISTRY_TLS,
        f"The TLS connection to the registry {host} fails: {detail}.",
        f"Give the registry a valid certificate for {host}, {REQUEST_AGAIN}",
    )
