"""The WSGI application: passes requests to the service and returns results as JSON."""

import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from inference_server import bodies
from inference_server.admission import Refused
from inference_server.metrics import CONTENT_TYPE
from inference_server.model import BadInput
from inference_server.page import page
from inference_server.responses import LATER, Response, as_json, error
from inference_server.service import NotInitialized, Service

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_LOG = logging.getLogger(__name__)


def create_app(service: Service) -> "WSGIApplication":
    """Creates the application for `service`."""
    routes: dict[str, dict[str, Callable[[Service, WSGIEnvironment], Response]]] = {
        "/service": {"POST": _measured},
        "/initialized": {"GET": _initialized, "HEAD": _initialized},
        "/metrics": {"GET": _metrics, "HEAD": _metrics},
    }

    known = ", ".join(routes)
    routes["/"] = {"GET": _page, "HEAD": _page}

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        methods = routes.get(environ["PATH_INFO"])
        method = environ["REQUEST_METHOD"]
        if methods is None:
            response = error(HTTPStatus.NOT_FOUND, f"unknown path; use {known}")
        elif method not in methods:
            allowed = ", ".join(methods)
            response = error(HTTPStatus.METHOD_NOT_ALLOWED, f"use {allowed}", {"Allow": allowed})
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
    if service.ready:
        return Response(HTTPStatus.OK, b"YES", "text/plain")
    return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"NO", "text/plain", LATER)


def _metrics(service: Service, _: "WSGIEnvironment") -> Response:
    return Response(HTTPStatus.OK, service.metrics.exposition(), CONTENT_TYPE)


def _page(_: Service, __: "WSGIEnvironment") -> Response:
    return page()


def _measured(service: Service, environ: "WSGIEnvironment") -> Response:
    begun = time.monotonic()
    response = _admitted(service, environ)
    service.metrics.answered(response.status.value, time.monotonic() - begun)
    return response


def _admitted(service: Service, environ: "WSGIEnvironment") -> Response:
    """Answers an admitted request; reads its body only after admission."""
    size = bodies.declared_size(environ)
    if size is not None and size > bodies.MAX_BODY:
        return bodies.refused_size(environ)
    try:
        with service.place(bodies.MAX_BODY if size is None else size):
            body = bodies.read(environ)
            return body if isinstance(body, Response) else _ask(service, body)
    except Refused as refusal:
        bodies.discard(environ)
        return error(HTTPStatus.SERVICE_UNAVAILABLE, str(refusal), LATER)


def _ask(service: Service, body: bytes) -> Response:
    try:
        result = service.answer(body)
        if isinstance(result, BadInput):
            return error(HTTPStatus.BAD_REQUEST, str(result))
        return Response(HTTPStatus.OK, as_json(result))
    except NotInitialized:
        return error(HTTPStatus.SERVICE_UNAVAILABLE, "the model is loading", LATER)
    except BaseException:  # noqa: BLE001 - whatever a model raises, the client gets a reply and the log the cause
        _LOG.exception("the model failed on a request of %d bytes", len(body))
        return error(HTTPStatus.INTERNAL_SERVER_ERROR, "the model failed on this request; the server's log says why")
