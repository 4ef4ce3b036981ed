"""Clients that stop in the middle of a request, more of them than the server has threads."""

import contextlib
import socket

import pytest

from inference_server import arrivals
from tests.unit.example.server.test_process import DEADLINE, GATED, start, wait_for  # noqa: F401 - a fixture

CLIENTS = 120
UNFINISHED = {
    "nothing": b"",
    "a part of a line": b"GET /init",
    "a part of the headers": b"GET /initialized HTTP/1.1\r\nHost: x\r\n",
    "no body": b"POST /service HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
    "a probe without its body": b"GET /initialized HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
    "a chunk without its end": b"POST /service HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
}


@pytest.fixture
def server(start):  # noqa: F811
    running = start(GATED)
    running.open("load")
    wait_for(lambda: running.ask("GET", "/initialized") == (200, b"YES"))
    return running


@pytest.fixture
def connect(server):
    with contextlib.ExitStack() as stack:

        def run(data: bytes) -> socket.socket:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), DEADLINE))
            client.sendall(data)
            return client

        yield run


@pytest.mark.parametrize("form", UNFINISHED)
def test_probes_are_answered_while_many_clients_stop(server, connect, form):
    for _ in range(CLIENTS):
        connect(UNFINISHED[form])
    for path in ("/initialized", "/metrics"):
        assert server.ask("GET", path)[0] == 200


def test_unfinished_headers_end_the_connection(connect):
    client = connect(UNFINISHED["a part of the headers"])
    client.settimeout(arrivals.SECONDS + DEADLINE)
    with contextlib.suppress(ConnectionResetError):  # the server has not read what was sent
        assert client.recv(1) == b""


def test_headers_may_come_in_parts(server, connect):
    client = connect(b"GET /initialized HTTP/1.1\r\n")
    assert server.ask("GET", "/initialized")[0] == 200
    client.sendall(b"Host: x\r\n")
    assert server.ask("GET", "/initialized")[0] == 200
    client.sendall(b"\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    client.sendall(b"GET /initialized HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    while received.count(b"HTTP/1.1 200") < 2:
        received += client.recv(65536)


@pytest.mark.parametrize(
    ("found", "probe"),
    [
        (b"GET /initialized HTTP/1.1\r\nHost: x", True), (b"HEAD /metrics HTTP/1.1", True),
        (b"GET /initialized HTTP/1.1\r\ncontent-LENGTH: 1", False), (b"GET /other HTTP/1.1", False),
        (b"GET /initialized HTTP/1.1\r\nTransfer-Encoding: chunked", False), (b"POST /initialized HTTP/1.1", False),
    ],
)  # fmt: skip
def test_a_probe_has_no_body(found, probe):
    assert arrivals.is_probe(found) is probe
