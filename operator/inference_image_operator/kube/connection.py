"""Requests to the Kubernetes API server, with raw JSON, through the official client's connections."""

import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio import client

from inference_image_contract import untrusted_json

WATCH_SILENCE = 70
"""Seconds without a line after which a watch ends, because its connection may be broken.

Bookmarks come about every minute, but not in a watch of Events, which the API server does not serve from its cache.
"""
REQUEST = aiohttp.ClientTimeout(total=30)
WATCH = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=WATCH_SILENCE)

MAX_ANSWER = 8 << 20
"""Bytes of an answer that has many objects. Each has at most 1.5 MiB, etcd's limit of a request."""
MAX_ERROR = 1 << 20
MAX_MESSAGE = 2048
"""Limits of an error: bytes of the answer, characters of its message. A webhook of anybody can write both."""
_SECONDS = re.compile(r"[0-9]{1,5}")

Object = dict[str, Any]


class ApiError(Exception):
    """The API server rejected a request or did not answer."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        """HTTP status; 0 without an answer."""
        self.reason = reason
        """The API's machine-readable reason, for example `AlreadyExists`."""
        self.message = message
        self.retry_after = retry_after
        """Seconds to wait before the next request, from Retry-After; None if not given."""


class TooLargeError(ApiError):
    """The answer has more bytes than MAX_ANSWER."""

    def __init__(self) -> None:
        super().__init__(0, "TooLarge", f"the answer has more than {MAX_ANSWER} bytes")


class Connection:
    """Sends requests. Every method raises ApiError."""

    def __init__(self, api: client.ApiClient, count: Callable[[str, int], None] = lambda *_: None) -> None:
        """`count` gets the method and the HTTP status of every answer; 0 without an answer."""
        self._api = api
        self._count = count

    async def send(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """The body of the answer."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        response = await self._answer(method, path, query, headers, body)
        try:
            return bytes(await response.read())
        except (OSError, aiohttp.ClientError) as error:
            raise _no_answer(error) from error

    async def page(self, path: str, query: dict[str, str]) -> bytes:
        """The body of an answer with many objects. Raises TooLargeError; the caller then asks for fewer."""
        response = await self._answer("GET", path, query, {"Accept": "application/json"}, None)
        data = bytearray()
        try:
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > MAX_ANSWER:
                    raise TooLargeError
        except (OSError, aiohttp.ClientError) as error:
            raise _no_answer(error) from error
        finally:
            response.release() if response.content.at_eof() else response.close()
        return bytes(data)

    async def lines(self, path: str, query: dict[str, str]) -> AsyncIterator[bytes]:
        """The lines of an answer that does not end soon: those of a watch. Ends with it, or after WATCH_SILENCE."""
        response = await self._answer("GET", path, query, {"Accept": "application/json"}, None)
        line = b""
        try:
            async for chunk in response.content.iter_any():
                *ended, line = (line + chunk).split(b"\n")
                for found in ended:
                    yield found
        except aiohttp.SocketTimeoutError:
            return
        except (OSError, aiohttp.ClientError) as error:
            raise _no_answer(error) from error
        finally:
            response.close()

    async def _answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Object | None
    ) -> aiohttp.ClientResponse:
        """The answer, if it is a success. Its body is not read yet."""
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self._api.configuration.host + path + ("?" + urlencode(query, quote_via=quote) if query else "")
        try:
            wrapped = await self._api.rest_client.request(  # type: ignore[no-untyped-call]
                method, url, headers=headers, body=body, _request_timeout=WATCH if "watch" in query else REQUEST
            )
            response: aiohttp.ClientResponse = wrapped.response
            failed = response.status >= HTTPStatus.BAD_REQUEST
            data = await response.read() if failed else b""
        except (OSError, aiohttp.ClientError) as error:
            self._count(method, 0)
            raise _no_answer(error) from error
        self._count(method, response.status)
        if failed:
            raise api_error(response.status, data, response.headers.get("Retry-After"))
        return response


def _no_answer(error: Exception) -> ApiError:
    return ApiError(0, "NoAnswer", f"{type(error).__name__}: {error}")


def api_error(status: int, data: bytes, retry_after: str | None) -> ApiError:
    """The error in an answer: a Status object, or plain text from a proxy or a server that is starting."""
    wait = float(retry_after) if retry_after and _SECONDS.fullmatch(retry_after) else None
    try:
        answer = untrusted_json.read(data, max_bytes=MAX_ERROR)
        return ApiError(status, str(answer.get("reason", "")), str(answer.get("message", ""))[:MAX_MESSAGE], wait)
    except (ValueError, AttributeError):
        return ApiError(status, "", data[:200].decode(errors="replace").strip(), wait)
