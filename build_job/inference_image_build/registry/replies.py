"""A registry's reply: read within limits of size and time, its JSON, and its words for messages."""

import email.utils
import re
import time
from collections.abc import Mapping
from typing import NamedTuple

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from inference_image_contract import untrusted_json

MAX_BODY = 4 * 1024 * 1024
"""Most bytes of a response: registries accept manifests of at most 4 MiB."""
MAX_TOKEN = 256 * 1024
"""Most bytes of a token server's response."""
MAX_ERROR = 64 * 1024
"""Bytes of an error's body that are read; the rest is ignored."""
SECONDS = 120.0
"""Longest time to read one body, however slowly it comes."""
_CHUNK = 64 * 1024
_MAX_SUMMARY = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class TooLargeError(Exception):
    """A body exceeds its limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Reply(NamedTuple):
    """A response of the registry."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    challenges: tuple[str, ...] = ()
    """Each header `WWW-Authenticate`."""

    @property
    def is_redirect(self) -> bool:
        """Whether it names another place for what was requested."""
        return is_redirect(self.status) and "Location" in self.headers


def is_redirect(status: int) -> bool:
    """Whether a response with this status names another place for what was requested."""
    return status in {301, 302, 303, 307, 308}


def read(response: requests.Response, limit: int = MAX_BODY) -> Reply:
    """Reads a response that was requested as a stream.

    Raises requests' errors, and TooLargeError; the body of an error is cut instead.
    """
    limit = limit if response.ok else MAX_ERROR
    try:
        data = _body(response, limit)
    except ReadTimeoutError as error:
        raise requests.ReadTimeout(str(error)) from error
    except HTTPError as error:  # reading the raw body raises errors of urllib3
        raise requests.ConnectionError(str(error)) from error
    if len(data) > limit and response.ok:
        raise TooLargeError(limit)
    challenges = tuple(response.raw.headers.getlist("WWW-Authenticate"))
    return Reply(response.status_code, response.headers, data[:limit], response.url, challenges)


def document(data: bytes) -> object:
    """The JSON in a body; None when it is not JSON, or nested too deeply."""
    try:
        found: object = untrusted_json.read(data, max_bytes=MAX_BODY)
    except ValueError:
        return None
    return found


def summary(reply: Reply) -> str:
    """The status and, if the body has any, the code and message of the first error."""
    found = document(reply.body)
    errors = found.get("errors") if isinstance(found, dict) else None
    error = errors[0] if isinstance(errors, list) and errors else None
    words = [str(reply.status)]
    if isinstance(error, dict):
        words += [text for name in ("code", "message") if isinstance(text := error.get(name), str) and text]
    return _CONTROL.sub(" ", " ".join(words))[:_MAX_SUMMARY]


def retry_after(reply: Reply) -> float:
    """Seconds until the registry wants to be asked again, from a number or a date; 0 if it does not say."""
    value = reply.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _body(response: requests.Response, limit: int) -> bytes:
    """The body up to one byte more than the limit.

    Digests are hashes of the bytes as they are sent, and a packed body could unpack to any size: neither is unpacked.
    """
    end = time.monotonic() + SECONDS
    data = bytearray()
    while len(data) <= limit:
        piece = response.raw.read1(min(_CHUNK, limit + 1 - len(data)), decode_content=False)
        if not piece:
            break
        data += piece
        if time.monotonic() >= end:
            raise requests.ReadTimeout("the body comes too slowly")
    return bytes(data)
