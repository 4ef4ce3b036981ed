"""Reads request bodies within a size and a time, or discards them so that the client receives the error."""

import time
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING

from inference_server.deadlines import Deadlines
from inference_server.responses import Response, error

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MAX_BODY = 32 * 1024 * 1024
"""Maximal bytes of a request body; a larger one is rejected before it is read."""

READ_SECONDS = 30.0
"""Seconds within which a body must arrive; a client that stops sending does not keep its slot longer."""

DISCARD_SECONDS = 5.0
_DISCARD_BYTES = 2 * MAX_BODY
_CHUNK = 64 * 1024
_DEADLINES = Deadlines()


def declared_size(environ: "WSGIEnvironment") -> int | None:
    """The declared bytes; None for a chunked body, which declares no length."""
    declared = environ.get("CONTENT_LENGTH") or ""
    return int(declared) if declared.isdecimal() else None


def read(environ: "WSGIEnvironment") -> bytes | Response:
    """The request's body, or the error response to an unacceptable one."""
    expected = declared_size(environ)
    begun = time.monotonic()
    try:
        body = _read(environ, MAX_BODY + 1 if expected is None else expected, READ_SECONDS)
    except Exception:  # noqa: BLE001 - any kind that gunicorn raises for an invalid or truncated chunk
        body = None
    if time.monotonic() - begun >= READ_SECONDS and (body is None or len(body) < (expected or 0)):
        return error(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {READ_SECONDS:g} s")
    if body is None:
        return error(HTTPStatus.BAD_REQUEST, "the body is truncated, or its chunks are malformed")
    if len(body) > MAX_BODY:
        return refused_size(environ)
    if not body:
        return error(HTTPStatus.BAD_REQUEST, "the body is empty: send the picture as the raw body")
    if expected is not None and len(body) < expected:
        return error(HTTPStatus.BAD_REQUEST, f"the body ended after {len(body)} of {expected} bytes")
    return body


def refused_size(environ: "WSGIEnvironment") -> Response:
    """The response to a body that is too large."""
    discard(environ)
    return error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body can have at most {MAX_BODY} bytes")


def discard(environ: "WSGIEnvironment") -> None:
    """Reads the rest of the body, within limits: an early close would reset the connection before the client reads."""
    size = declared_size(environ)
    size = _DISCARD_BYTES if size is None else min(size, _DISCARD_BYTES)
    try:
        _read(environ, size, DISCARD_SECONDS, keep=False)
    except Exception:  # noqa: BLE001 - as above; only the client benefits
        return


def _read(environ: "WSGIEnvironment", size: int, seconds: float, *, keep: bool = True) -> bytes:
    """Reads up to `size` bytes; fewer when the client ends or the time runs out. Raises what gunicorn raises."""
    connection = environ.get("gunicorn.socket")
    body = bytearray()
    left = size
    with _DEADLINES.within(connection, seconds) if connection else nullcontext():
        while left and (chunk := environ["wsgi.input"].read(min(_CHUNK, left))):
            left -= len(chunk)
            if keep:
                body += chunk
    return bytes(body)
