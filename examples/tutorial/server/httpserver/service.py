"""The WSGI application: `POST /service` with the raw input as its body, `GET /initialized`, `GET /metrics`."""

import io
import os
import sys
import threading
import traceback

MAX_BODY = 64 * 1024 * 1024
"""Maximal bytes of an input."""

_CHUNK = 64 * 1024
_TEXT = "text/plain; charset=utf-8"
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Service(object):
    """Runs the model on one input at a time: models like the tutorial's are not thread-safe."""

    def __init__(self, model):
        """`model` has `execute(data, batch_size)`: a list of files in, a list of answers out."""
        self._model = model
        self._lock = threading.Lock()
        self._routes = {
            ("POST", "/service"): self._service,
            ("GET", "/initialized"): _initialized,
            ("GET", "/metrics"): _metrics,
        }

    def __call__(self, environ, start_response):
        """Handles one request (PEP 333)."""
        route = self._routes.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        status, body, content_type = route(environ) if route else ("404 Not Found", "Not found\n", _TEXT)
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def _service(self, environ):
        body = _read(environ["wsgi.input"])
        if body is None:
            return "413 Request Entity Too Large", "The input has more than %d bytes\n" % MAX_BODY, _TEXT
        try:
            with self._lock:
                (answer,) = self._model.execute([io.BytesIO(body)], 1)
        except Exception:  # noqa: BLE001 - whatever a model raises, the service goes on
            traceback.print_exc()
            return "500 Internal Server Error", "%s\n" % _last_line(), _TEXT
        return "200 OK", _as_text(answer), _TEXT


def _as_text(answer):
    """An answer as Python 2 prints it: a string unchanged, a list with the repr of its items."""
    is_unicode = hasattr(answer, "encode") and not isinstance(answer, bytes)
    return answer.encode("utf-8") if is_unicode else str(answer)


def _read(stream):
    """The whole body, chunked or not; None when it is too long."""
    body = bytearray()
    while len(body) <= MAX_BODY:
        chunk = stream.read(_CHUNK)
        if not chunk:
            return bytes(body)
        body += chunk
    return None


def _last_line():
    kind, value = sys.exc_info()[:2]
    return traceback.format_exception_only(kind, value)[-1].strip()


def _initialized(_environ):
    """Always ready: the model is loaded before the first request."""
    return "200 OK", "YES", _TEXT


def _metrics(_environ):
    lines = (
        "# HELP process_resident_memory_bytes Resident memory size in bytes.",
        "# TYPE process_resident_memory_bytes gauge",
        "process_resident_memory_bytes %d" % resident_bytes(),
    )
    return "200 OK", "\n".join(lines) + "\n", _EXPOSITION


def resident_bytes():
    """The resident set of this process (proc(5): the second number of statm, in pages)."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
