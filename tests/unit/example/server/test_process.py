"""The server as a real process: it listens at once, loads in the background, fails loudly and stops gracefully."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

SERVER = Path(__file__).resolve().parents[4] / "examples/object-detect/server"
DEADLINE = 60
T = TypeVar("T")

# A model that continues when the test creates a file, so that no test sleeps.
GATED = """
import pathlib, time
HERE = pathlib.Path(__file__).parent
def gate(name):
    deadline = time.monotonic() + 60
    (HERE / (name + ".reached")).touch()
    while not (HERE / (name + ".open")).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        time.sleep(0.005)
class Model:
    def __init__(self, config): pass
    def load_model(self): gate("load")
    def execute(self, data, batch_size):
        gate("execute")
        return [{"bytes": len(body)} for body in data]
"""


class Running:
    """A server process and a client for it."""

    def __init__(self, directory: Path, process: subprocess.Popen[str]) -> None:
        self.directory = directory
        self.process = process
        self.log: list[str] = []
        self._reader = threading.Thread(target=lambda: self.log.extend(iter(process.stderr.readline, "")), daemon=True)
        self._reader.start()

    @property
    def port(self) -> int:
        found = wait_for(lambda: re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", "".join(self.log)))
        return int(found[1])

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def open(self, gate: str) -> None:
        (self.directory / f"{gate}.open").touch()

    def reached(self, gate: str) -> None:
        wait_for((self.directory / f"{gate}.reached").exists)

    def end(self) -> int:
        """The exit code, once the process has ended and its log is complete."""
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code


def wait_for(condition: Callable[[], T]) -> T:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{condition} did not come true in {DEADLINE} s"
        time.sleep(0.005)
    return value


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts a server whose model is the given source and batching; ends it after the test."""
    started: list[Running] = []

    def run(source: str, batching: dict | None = None) -> Running:
        (tmp_path / "main.py").write_text(source)
        server = {"exec": {"main_class": "Model", "main_file": "main"}, "batching": batching or {}}
        (tmp_path / "conf.json").write_text(json.dumps({"http_server": server}))
        process = subprocess.Popen(
            [sys.executable, "-m", "inference_server", "--bind", "127.0.0.1:0"],
            env={**os.environ, "PYTHONPATH": str(SERVER), "UAI_SERVICE_CONFIG": str(tmp_path / "conf.json")},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Running(tmp_path, process))
        return started[-1]

    yield run
    for server in started:
        server.process.kill()
        server.end()
        server.process.stderr.close()


def test_it_is_initialized_only_after_loading(start):
    server = start(GATED)
    assert server.ask("GET", "/initialized") == (503, b"NO")
    assert server.ask("POST", "/service", b"picture")[0] == 503
    server.open("load")
    wait_for(lambda: server.ask("GET", "/initialized") == (200, b"YES"))
    server.open("execute")
    assert server.ask("POST", "/service", b"picture") == (200, b'{"bytes":7}')


def test_it_stays_initialized_while_the_model_runs(start):
    server = start(GATED)
    server.open("load")
    wait_for(lambda: server.ask("GET", "/initialized")[0] == 200)
    answers: list[tuple[int, bytes]] = []
    client = threading.Thread(target=lambda: answers.append(server.ask("POST", "/service", b"abc")))
    client.start()
    server.reached("execute")
    assert server.ask("GET", "/initialized") == (200, b"YES")
    server.open("execute")
    client.join(DEADLINE)
    assert answers == [(200, b'{"bytes":3}')]


def test_a_stopping_server_finishes_running_requests(start):
    server = start(GATED)
    server.open("load")
    wait_for(lambda: server.ask("GET", "/initialized")[0] == 200)
    answers: list[tuple[int, bytes]] = []
    client = threading.Thread(target=lambda: answers.append(server.ask("POST", "/service", b"abc")))
    client.start()
    server.reached("execute")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "Handling signal: term" in "".join(server.log))
    server.open("execute")
    client.join(DEADLINE)
    assert answers == [(200, b'{"bytes":3}')]
    assert server.end() == 0


def test_a_stopping_server_drains_its_queue_and_rejects_new_requests(start):
    server = start(GATED)
    server.open("load")
    wait_for(lambda: server.ask("GET", "/initialized")[0] == 200)
    with ThreadPoolExecutor(5) as clients:
        taken = [clients.submit(server.ask, "POST", "/service", b"abc")]
        server.reached("execute")
        taken += [clients.submit(server.ask, "POST", "/service", b"abc") for _ in range(4)]
        wait_for(lambda: b"inference_queue_length 4.0" in server.ask("GET", "/metrics")[1])
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.ask("GET", "/initialized") == (503, b"NO"))
        assert server.ask("POST", "/service", b"abc") == (503, b'{"error":"the server is stopping"}')
        server.open("execute")
        assert [one.result(DEADLINE) for one in taken] == [(200, b'{"bytes":3}')] * 5
    assert server.end() == 0


def test_a_client_that_still_sends_learns_that_its_body_is_too_large(start):
    server = start(GATED)
    status, answer = server.ask("POST", "/service", bytes(40 * 1024 * 1024))
    assert status == 413
    assert json.loads(answer) == {"error": "a body can have at most 33554432 bytes"}


def test_malformed_chunks_are_rejected_in_json(start):
    server = start(GATED)
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        head = b"POST /service HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        connection.sendall(head + b"zz\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":"the body is truncated' in answer


def test_the_configured_queue_length_is_the_limit(start):
    server = start(GATED, {"max_size": 1, "queue": 12})
    server.open("load")
    wait_for(lambda: server.ask("GET", "/initialized")[0] == 200)
    with ThreadPoolExecutor(12) as clients:
        taken = [clients.submit(server.ask, "POST", "/service", b"abc") for _ in range(12)]
        wait_for(lambda: b"inference_queue_length 11.0" in server.ask("GET", "/metrics")[1])
        assert server.ask("POST", "/service", b"abc")[0] == 503
        server.open("execute")
        assert [one.result(DEADLINE) for one in taken] == [(200, b'{"bytes":3}')] * 12


def test_a_loading_server_can_be_stopped(start):
    server = start(GATED)
    server.reached("load")
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise OSError('no graph here')", "OSError: no graph here"),
        ("class Model:\n def __init__(self, config): 1 / 0", "ZeroDivisionError"),
        ("class Other: pass", "main_class `Model`: main.py has no such class"),
    ],
    ids=["module", "constructor", "no class"],
)
def test_a_model_that_cannot_be_loaded_ends_the_container_with_the_cause(start, source, words):
    server = start(source)
    assert server.end() not in (0, None)
    assert words in "".join(server.log)


def test_a_worker_killed_while_loading_ends_the_container_with_a_sentence(start):
    server = start(GATED)
    server.reached("load")
    (worker,) = wait_for(lambda: re.findall(r"Booting worker with pid: (\d+)", "".join(server.log)))
    os.kill(int(worker), signal.SIGKILL)
    assert server.end() not in (0, None)
    assert "The model's process ended unexpectedly." in "".join(server.log)
    assert len(re.findall("Booting worker", "".join(server.log))) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("low 0\noom 3\noom_kill 2\n", None), 2),
        ((None, "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1),
        (("oom 0\noom_kill 0\n", None), 0),
        ((None, None), None),
    ],
    ids=["version 2", "version 1", "none killed", "no control group"],
)
def test_the_kernel_reports_out_of_memory_kills(tmp_path, monkeypatch, files, expected):
    monkeypatch.syspath_prepend(str(SERVER))
    from inference_server import memory  # noqa: PLC0415 - the example is not a package of this project

    paths = []
    for number, text in enumerate(files):
        paths.append(tmp_path / str(number))
        if text is not None:
            paths[-1].write_text(text)
    assert memory.kills(tuple(paths)) == expected


def test_an_invalid_configuration_ends_the_server_with_one_sentence(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "inference_server"],
        env={**os.environ, "PYTHONPATH": str(SERVER), "UAI_SERVICE_CONFIG": str(tmp_path / "absent.json")},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"The configuration is invalid: {tmp_path / 'absent.json'} cannot be read: No such file or directory"
    ]
