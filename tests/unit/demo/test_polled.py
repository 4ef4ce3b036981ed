"""An object is read over a kept connection; an API server that is away for a while is asked again."""

import http.server
import json

import pytest

from demo import kubectl, polled
from devcluster.lib import ports
from devcluster.lib.in_thread import serving
from devcluster.lib.run import CommandError


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        here = self.path.endswith("/namespaces/a/inferenceimages/b")
        body = json.dumps({"path": self.path}).encode() if here else b"not found"
        self.send_response(200 if here else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.clients.add(self.client_address)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _administrator(monkeypatch, tmp_path):
    """A certificate to name: requests looks for the files, also where it sends them to nobody."""
    (tmp_path / "pki").mkdir()
    for name in ("admin.crt", "admin.key"):
        (tmp_path / "pki" / name).touch()
    monkeypatch.setattr(polled.settings, "STATE", tmp_path)
    polled._session.cache_clear()
    yield
    polled._session.cache_clear()


@pytest.fixture
def server(monkeypatch):
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.clients = set()
    monkeypatch.setattr(polled, "_server", lambda: f"http://127.0.0.1:{found.server_port}")
    with serving(found):
        yield found


def test_one_connection_serves_every_look(server):
    for _ in range(3):
        assert polled.image("a", "b")["path"].startswith("/apis/uai.ucloud.cn/v1alpha1/")
    assert len(server.clients) == 1


@pytest.mark.usefixtures("server")
def test_an_object_that_is_not_there_is_an_error():
    with pytest.raises(CommandError, match="infimg/c in a: 404"):
        polled.image("a", "c")


def test_an_api_server_that_comes_back_is_asked_again(server, monkeypatch):
    nobody = f"http://127.0.0.1:{ports.reserve(1)[0]}"
    addresses = iter([nobody, nobody])
    monkeypatch.setattr(polled, "_server", lambda: next(addresses, f"http://127.0.0.1:{server.server_port}"))
    monkeypatch.setattr(kubectl, "TICK", 0.01)
    assert polled.image("a", "b")


def test_patience_ends(monkeypatch):
    nobody = f"http://127.0.0.1:{ports.reserve(1)[0]}"
    monkeypatch.setattr(polled, "_server", lambda: nobody)
    monkeypatch.setattr(kubectl, "PATIENCE", 0.0)
    with pytest.raises(CommandError, match="does not answer"):
        polled.image("a", "b")
