"""A thread of the server stays with its connection while requests follow at once, and while there is one for each."""

import contextlib
import http.client
import socket
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from inference_server.worker import DrainingWorker
from tests.unit.example.server.test_process import DEADLINE, GATED, start, wait_for  # noqa: F401 - a fixture

REQUEST = b"POST /service HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
THREADS = 8


@pytest.fixture
def handled(monkeypatch):
    """handled(what has arrived, ...) -> the number of requests that one thread handles."""

    def run(arrived, *, connections=THREADS, ends=False, alive=True, kept=True):
        worker = DrainingWorker.__new__(DrainingWorker)
        worker.alive, worker.nr_conns, worker.cfg = alive, connections, SimpleNamespace(threads=THREADS)
        requests = []
        with contextlib.ExitStack() as stack:
            ours, client = (stack.enter_context(one) for one in socket.socketpair())
            client.sendall(arrived)
            if ends:
                client.shutdown(socket.SHUT_WR)

            def handle(_, connection):
                requests.append(connection.sock.recv(len(REQUEST)))
                return kept

            monkeypatch.setattr(ThreadWorker, "handle", handle)
            assert worker.handle(SimpleNamespace(sock=ours)) is kept
        return len(requests)

    return run


def test_requests_that_follow_at_once_are_handled_by_the_same_thread(handled):
    assert handled(REQUEST * 3) == 3


@pytest.mark.parametrize("rest", [b"", REQUEST[:9], REQUEST[:-2]], ids=["nothing", "a part of a line", "no end"])
@pytest.mark.parametrize("ends", [False, True], ids=["open", "ended"])
def test_a_request_that_has_not_arrived_is_left_to_the_loop(handled, rest, ends):
    assert handled(REQUEST + rest, ends=ends) == 1


@pytest.mark.parametrize(
    "state",
    [{"connections": THREADS + 1}, {"alive": False}, {"kept": False}],
    ids=["more connections than threads", "the server stops", "the connection ends"],
)
def test_otherwise_the_thread_is_free_after_one_request(handled, state):
    assert handled(REQUEST * 3, **state) == 1


def test_more_connections_than_threads_are_all_answered(start):  # noqa: F811
    server = start(GATED, {"queue": 1})
    server.open("load")
    server.open("execute")
    wait_for(lambda: server.ask("GET", "/initialized") == (200, b"YES"))
    with contextlib.ExitStack() as stack:
        clients = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE) for _ in range(40)]
        for client in clients:
            stack.callback(client.close)
        for _ in range(3):
            for client in clients:
                client.request("POST", "/service", b"abc")
                response = client.getresponse()
                assert (response.status, response.read()) == (200, b'{"bytes":3}')
