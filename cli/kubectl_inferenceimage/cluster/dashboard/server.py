"""The HTTP server of the page: on loopback, for whoever has its address, and for no other page of a browser."""

import json
import re
import secrets
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.dashboard.answers import Answers
from kubectl_inferenceimage.cluster.requests import ForbiddenError, MissingError
from kubectl_inferenceimage.errors import CommandError

_LOOPBACK = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OBJECT = re.compile(
    r"api/objects/([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)/([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)(?:/pictures/([^/]+))?"
)
_SECONDS = 60
"""How long a browser may take to ask."""


class Answer(NamedTuple):
    """What a request gets."""

    status: HTTPStatus
    kind: str
    body: bytes


def _text(status: HTTPStatus) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())


def _json(status: HTTPStatus, found: Object) -> Answer:
    return Answer(status, "application/json", json.dumps(found).encode())


class Dashboard(ThreadingHTTPServer):
    """Serves the page. `port` 0 is any that is free."""

    daemon_threads = True

    def __init__(self, answers: Answers, port: int) -> None:
        super().__init__((_LOOPBACK, port), _Handler)
        self.answers = answers
        self._token = secrets.token_urlsafe(32)
        """A part of every path. Unlike a cookie, servers on other ports of loopback never see it."""

    @property
    def address(self) -> str:
        """The page's address, which is the key to it."""
        return f"http://{_LOOPBACK}:{self.server_port}/{self._token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """A browser that goes away while it is answered is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, path: str, hosts: list[str], origin: str, site: str) -> Answer:
        """The answer to a GET. `hosts` are its Host headers; `origin` and `site` say which page asks, if one does."""
        own = {f"{name}:{self.server_port}" for name in (_LOOPBACK, "localhost")}
        if len(hosts) != 1 or hosts[0] not in own:  # another name may point here: DNS rebinding
            return _text(HTTPStatus.MISDIRECTED_REQUEST)
        if site not in {"", "none", "same-origin"} or origin not in {"", f"http://{hosts[0]}"}:
            return _text(HTTPStatus.FORBIDDEN)
        _, token, rest = [*path.partition("?")[0].split("/", 2), "", ""][:3]
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return _text(HTTPStatus.NOT_FOUND)
        return self._found(rest)

    def _found(self, path: str) -> Answer:
        if path in _FILES:
            name, kind = _FILES[path]
            return Answer(HTTPStatus.OK, kind, (_PAGE / name).read_bytes())
        now, asked = datetime.now(UTC), _OBJECT.fullmatch(path)
        try:
            if path == "api/objects":
                return _json(HTTPStatus.OK, self.answers.objects(now))
            if asked and self.answers.shows(asked[1]):
                if asked[3]:
                    return self._picture(asked[1], asked[2], unquote(asked[3]))
                return _json(HTTPStatus.OK, self.answers.object(asked[1], asked[2], now))
        except CommandError as error:
            return _json(_status(error), {"error": str(error)})
        return _text(HTTPStatus.NOT_FOUND)

    def _picture(self, namespace: str, name: str, file: str) -> Answer:
        picture = self.answers.pictures.read(namespace, name, file)
        return _text(HTTPStatus.NOT_FOUND) if picture is None else Answer(HTTPStatus.OK, "image/png", picture)


def _status(error: CommandError) -> HTTPStatus:
    if isinstance(error, ForbiddenError):
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.NOT_FOUND if isinstance(error, MissingError) else HTTPStatus.BAD_GATEWAY


class _Handler(BaseHTTPRequestHandler):
    server: Dashboard
    timeout = _SECONDS
    server_version, sys_version = "kubectl-inferenceimage", ""

    def do_GET(self) -> None:
        hosts = self.headers.get_all("Host") or []
        origin, site = self.headers.get("Origin", ""), self.headers.get("Sec-Fetch-Site", "")
        self._send(self.server.answer(self.path, hosts, origin, site))

    def _refuse(self) -> None:
        self._send(_text(HTTPStatus.METHOD_NOT_ALLOWED), Allow="GET")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 - the names of http.server

    def _send(self, answer: Answer, **headers: str) -> None:
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: paths have the token."""
