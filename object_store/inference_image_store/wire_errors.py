"""Describes network errors of requests and urllib3, without the URLs in their messages."""

import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (urllib3.NameResolutionError, "its host name does not resolve"),
    (ConnectionRefusedError, "it refuses the connection"),
    (urllib3.ConnectTimeoutError, "the connection timed out"),
    (urllib3.ReadTimeoutError, "it stopped responding"),
    (TimeoutError, "it stopped responding"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (requests.TooManyRedirects, "it returned a redirect, which is not followed"),
    (urllib3.IncompleteRead, "the reply ended early"),
)


def describe(error: BaseException) -> str:
    """The cause in a few words that follow "UFile cannot be used: "."""
    causes = list(_causes(error))
    for kind, words in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return f"the connection broke ({type(error).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps: its cause, its context, its `reason` and its arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting.extend(item for item in inner if isinstance(item, BaseException))
