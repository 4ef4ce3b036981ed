"""The HTTP side: a WSGI application that turns requests into questions to the service, and results into JSON."""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from inference_server.model import BadInput
from inference_server.service import NotInitialized, Service

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request body; a larger one is refused before it is read."""

_LOG = logging.getLogger(__name__)
_LATER = {"Retry-After": "1"}


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def create_app(service: Service) -> "WSGIApplication":
    """The application in front of `service`."""
    routes: dict[str, dict[str, Callable[[Service, WSGIEnvironment], Response]]] = {
        "/service": {"POST": _ask},
        "/initialized": {"GET": _initialized, "HEAD": _initialized},
    }

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        methods = routes.get(environ["PATH_INFO"])
        method = environ["REQUEST_METHOD"]
        if methods is None:
            response = _error(HTTPStatus.NOT_FOUND, f"there are {' and '.join(routes)} here")
        elif method not in methods:
            allowed = ", ".join(methods)
            response = _error(HTTPStatus.METHOD_NOT_ALLOWED, f"use {allowed}", {"Allow": allowed})
        else:
            response = methods[method](service, environ)
        body = b"" if method == "HEAD" else response.body
        start_response(
            f"{response.status.value} {response.status.phrase}",
            [
                ("Content-Type", response.content_type),
                ("Content-Length", str(len(response.body))),
                *response.headers.items(),
            ],
        )
        return [body]

    return app


def _initialized(service: Service, _: "WSGIEnvironment") -> Response:
    if service.initialized:
        return Response(HTTPStatus.OK, b"YES", "text/plain")
    return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"NO", "text/plain", _LATER)


def _ask(service: Service, environ: "WSGIEnvironment") -> Response:
    body = _read(environ)
    if isinstance(body, Response):
        return body
    try:
        result = service.answer(body)
        if isinstance(result, BadInput):
            return _error(HTTPStatus.BAD_REQUEST, str(result))
        return Response(HTTPStatus.OK, _json(result))
    except NotInitialized:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, "the model is being loaded", _LATER)
    except Exception:  # noqa: BLE001 - whatever a model raises, its client gets an answer and the log the cause
        _LOG.exception("the model failed on a request of %d bytes", len(body))
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the model failed on this request; the server's log says why")


def _read(environ: "WSGIEnvironment") -> bytes | Response:
    """The request's body, or the answer to a body that cannot be taken. A chunked body has no length up front."""
    declared = environ.get("CONTENT_LENGTH") or ""
    expected = int(declared) if declared.isdecimal() else None
    if (expected or 0) > MAX_BODY:
        return _too_large()
    body: bytes = environ["wsgi.input"].read(MAX_BODY + 1 if expected is None else expected)
    if len(body) > MAX_BODY:
        return _too_large()
    if not body:
        return _error(HTTPStatus.BAD_REQUEST, "the body is empty: send the picture as the raw body")
    if expected is not None and len(body) < expected:
        return _error(HTTPStatus.BAD_REQUEST, f"the body ended after {len(body)} of {expected} bytes")
    return body


def _too_large() -> Response:
    return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {MAX_BODY} bytes at most")


def _error(status: HTTPStatus, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(status, _json({"error": message}), headers=headers or {})


def _json(value: object) -> bytes:
    """JSON as clients can read it; NaN is no JSON, so it raises ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
