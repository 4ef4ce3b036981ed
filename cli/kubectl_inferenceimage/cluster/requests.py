"""Requests to the API server, with raw JSON, through the official client's connection.

The Kubernetes client is imported here and in `connection` alone: it takes half a second.
"""

import http
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import urllib3
from kubernetes import client

from kubectl_inferenceimage.errors import CommandError

Object = dict[str, Any]
JSON = "application/json"
BYTES = "application/octet-stream"
MERGE = "application/merge-patch+json"
_TIMEOUT = 30
_SILENCE = (30, 90)
"""Seconds to connect, and without a bookmark, after which a watch is broken. Bookmarks come about every minute."""
_LONGEST = 8 << 20
"""Bytes. Objects have at most 1.5 MiB."""
_PAGE = 250
_MAX_MESSAGE = 500


class ForbiddenError(CommandError):
    """The person lacks a right."""


class MissingError(CommandError):
    """What was asked for does not exist."""


class UnreachableError(CommandError):
    """The API server does not answer, or not yet. Another attempt may succeed."""


class ExpiredError(UnreachableError):
    """The API server no longer knows the version from which a watch was to go on."""


class Requests:
    """Sends requests. Every method raises CommandError; `what` completes `You may not` and `Cannot` in its text."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    def send(
        self,
        what: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Object | None = None,
        content_type: str = JSON,
    ) -> Object:
        """The answer, a JSON object."""
        with _explained(what):
            found: Object = json.loads(self._bytes(method, path, query or {}, body, content_type))
        return found

    def text(self, what: str, path: str, query: Mapping[str, str] | None = None) -> str:
        """The answer as text."""
        with _explained(what):
            return self._bytes("GET", path, query or {}, None, JSON).decode(errors="replace")

    def exchange(self, what: str, method: str, path: str, body: bytes) -> str:
        """The answer of a program behind the API server's proxy to raw bytes. One that is far too long is cut."""
        with _explained(what), closing(self._open(method, path, {}, body or None, BYTES, _TIMEOUT)) as answer:
            return answer.read(_LONGEST).decode(errors="replace")

    def items(self, what: str, path: str, query: Mapping[str, str] | None = None) -> list[Object]:
        """The objects of a list, in the order of the API server."""
        found: list[Object] = []
        following = ""
        while True:
            page = {"limit": str(_PAGE)} | ({"continue": following} if following else {})
            answer = self.send(what, "GET", path, {**(query or {}), **page})
            found += answer.get("items") or []
            following = answer["metadata"].get("continue", "")
            if not following:
                return found

    @contextmanager
    def events(self, what: str, path: str, query: Mapping[str, str]) -> Iterator[Iterator[Object]]:
        """The events of a watch, as they come. The connection stands when the block begins."""
        with _explained(what), closing(self._open("GET", path, query, None, JSON, _SILENCE)) as answer:
            yield (json.loads(line) for line in _lines(answer) if line.strip())

    @contextmanager
    def lines(self, what: str, path: str, query: Mapping[str, str]) -> Iterator[Iterator[str]]:
        """The lines of a text, as they come. The connection stands when the block begins."""
        with _explained(what), closing(self._open("GET", path, query, None, JSON, _SILENCE)) as answer:
            yield (line.decode(errors="replace") for line in _lines(answer, ragged=True))

    def _bytes(
        self, method: str, path: str, query: Mapping[str, str], body: Object | bytes | None, content_type: str
    ) -> bytes:
        with closing(self._open(method, path, query, body, content_type, _TIMEOUT)) as answer:
            return answer.read()

    def _open(  # noqa: PLR0917 - private
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | bytes | None,
        content_type: str,
        timeout: int | tuple[int, int],
    ) -> urllib3.BaseHTTPResponse:
        """The answer of a request that succeeded; its body is not read yet."""
        method, url, headers, sent, _ = self._api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": JSON, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        wrapped = self._api.call_api(method, url, headers, sent, _request_timeout=timeout)
        answer: urllib3.BaseHTTPResponse = wrapped.response
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            with closing(answer):
                raise client.ApiException(status=answer.status, reason=_reason(answer))
        return answer


def _lines(answer: urllib3.BaseHTTPResponse, *, ragged: bool = False) -> Iterator[bytes]:
    """The lines; with `ragged` also a last one without an end. One longer than any the API server sends is cut."""
    line = b""
    for chunk in answer.stream(None, decode_content=True):
        *ended, line = (line + chunk).split(b"\n")
        yield from ended
        if len(line) > _LONGEST:
            yield line
            line = b""
    if ragged and line:
        yield line


def _reason(answer: urllib3.BaseHTTPResponse) -> str:
    """The API server's message, which names the field or the policy; else the words of HTTP."""
    try:
        found = json.loads(answer.read())
        message = str(found["message"] if "message" in found else found["error"])  # the latter is of a program in a pod
    except (ValueError, KeyError, TypeError):
        message = answer.reason or ""
    return message[:_MAX_MESSAGE]


def _is_refused(reason: str) -> bool:
    """Whether admission refuses the object, such as Pod Security or a quota. Authorization says who cannot do what."""
    return " is forbidden: " in reason and " cannot " not in reason


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Errors of the API server become a CommandError that says what was tried."""
    try:
        yield
    except client.ApiException as error:
        if error.status == http.HTTPStatus.FORBIDDEN and not _is_refused(error.reason):
            raise ForbiddenError(f"You may not {what}. Ask for that right in the namespace.") from error
        if error.status == http.HTTPStatus.NOT_FOUND:
            raise MissingError(f"Cannot {what}: it does not exist.") from error
        if error.status == http.HTTPStatus.GONE:
            raise ExpiredError(f"Cannot {what}: the version is too old.") from error
        if not error.status:  # no answer: the certificate, for example
            raise UnreachableError(f"Cannot {what}: the API server does not answer. {error.reason}") from error
        said = f"Cannot {what}: the API server says {error.status} {error.reason}."
        if error.status == http.HTTPStatus.TOO_MANY_REQUESTS or error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UnreachableError(said) from error
        raise CommandError(said) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnreachableError(f"Cannot {what}: the API server does not answer. {error}") from error
    except ValueError as error:
        raise CommandError(f"Cannot {what}: the API server's answer is not JSON.") from error
