"""The inference server's responses to single requests, with a test model."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from inference_server import BadInput, bodies
from inference_server.app import create_app
from inference_server.config import Batching
from inference_server.service import Service

DEADLINE = 60


class EchoModel:
    """Echoes the body; some bodies make it fail."""

    def load_model(self) -> None:
        pass

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert len(data) == batch_size
        special: dict[bytes, Callable[[], Sequence[object]]] = {
            b"bad": lambda: [BadInput("no picture")],
            b"crash": lambda: [1 / 0],
            b"nan": lambda: [float("nan")],
            b"two": lambda: [1, 2],
        }
        return special.get(data[0], lambda: [{"echo": body.decode()} for body in data])()


def loaded(model: object, batching: Batching = Batching()) -> Service:  # noqa: B008 - frozen
    """A ready service of `model`."""
    failures: list[BaseException] = []
    service = Service(lambda: model, failures.append, batching)
    service.start()
    service._thread.join(DEADLINE)
    assert not failures
    assert service.initialized
    return service


def ask(service: Service, method: str, path: str, body: bytes = b"", **environ: object) -> tuple[int, dict, bytes]:
    """Status, headers and body of one request, checked by the WSGI validator."""
    request: dict[str, object] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    if request["CONTENT_LENGTH"] is None:
        del request["CONTENT_LENGTH"]
    setup_testing_defaults(request)
    seen: list[tuple[int, dict]] = []

    def start_response(status, headers, exc_info=None):
        seen.append((int(status.split()[0]), dict(headers)))

    chunks = validator(create_app(service))(request, start_response)
    answer = b"".join(chunks)
    chunks.close()
    return *seen[0], answer


@pytest.fixture(scope="module")
def service() -> Service:
    return loaded(EchoModel())


def test_a_loaded_model_answers_in_json(service):
    status, headers, body = ask(service, "POST", "/service", b"hello")
    assert (status, headers["Content-Type"], json.loads(body)) == (200, "application/json", {"echo": "hello"})


def test_a_body_without_a_declared_length_is_accepted(service):
    status, _, body = ask(service, "POST", "/service", b"chunked", CONTENT_LENGTH=None)
    assert (status, json.loads(body)) == (200, {"echo": "chunked"})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/service", b"bad", 400, "no picture"),
        ("POST", "/service", b"", 400, "empty"),
        ("POST", "/service", b"crash", 500, "log says why"),
        ("POST", "/service", b"nan", 500, "log says why"),
        ("POST", "/service", b"two", 500, "log says why"),
        ("GET", "/service", b"", 405, "use POST"),
        ("POST", "/initialized", b"x", 405, "use GET, HEAD"),
        ("GET", "/other", b"", 404, "unknown path; use /service, /initialized, /metrics"),
        ("POST", "/", b"", 405, "use GET, HEAD"),
    ],
)
def test_errors_are_json(service, method, path, body, status, words):  # noqa: PLR0917 - a table
    got, headers, answer = ask(service, method, path, body)
    assert got == status
    assert headers["Content-Type"] == "application/json"
    assert words in json.loads(answer)["error"]


def test_a_defect_of_the_model_is_logged_and_not_shown(service, caplog):
    _, _, answer = ask(service, "POST", "/service", b"crash")
    assert b"ZeroDivisionError" not in answer
    assert "ZeroDivisionError" in caplog.text


def test_the_model_goes_on_after_a_defect(service):
    ask(service, "POST", "/service", b"crash")
    assert ask(service, "POST", "/service", b"next")[0] == 200


def test_the_methods_of_a_path_are_named(service):
    assert ask(service, "DELETE", "/initialized")[1]["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("length", ["11", None], ids=["declared", "chunked"])
def test_a_body_over_the_limit_is_rejected(service, monkeypatch, length):
    monkeypatch.setattr(bodies, "MAX_BODY", 10)
    assert ask(service, "POST", "/service", b"x" * 11, CONTENT_LENGTH=length)[0] == 413


def test_a_truncated_body_is_rejected(service):
    status, _, answer = ask(service, "POST", "/service", b"half", CONTENT_LENGTH="8")
    assert status == 400
    assert "4 of 8 bytes" in json.loads(answer)["error"]


def test_initialized_succeeds_once_the_model_is_loaded(service):
    assert ask(service, "GET", "/initialized")[0::2] == (200, b"YES")
    assert ask(service, "HEAD", "/initialized")[0::2] == (200, b"")


def test_while_the_model_loads_clients_are_told_to_retry():
    go_on = threading.Event()

    class SlowModel(EchoModel):
        def load_model(self) -> None:
            assert go_on.wait(DEADLINE)

    service = Service(SlowModel, pytest.fail)
    service.start()
    for method, path in (("GET", "/initialized"), ("POST", "/service")):
        status, headers, _ = ask(service, method, path, b"x" if method == "POST" else b"")
        assert (status, headers["Retry-After"]) == (503, "1")
    go_on.set()
    service._thread.join(DEADLINE)
    assert ask(service, "GET", "/initialized")[0] == 200
    assert ask(service, "POST", "/service", b"x")[0] == 200


class Gate(EchoModel):
    """Blocks its callers until the test opens it."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.go_on = threading.Event()

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        self.inside.set()
        assert self.go_on.wait(DEADLINE)
        return super().execute(data, batch_size)


@pytest.fixture
def busy() -> Iterator[tuple[Service, list[tuple[int, dict, bytes]]]]:
    """A service whose only slot is taken until the test ends, and the list that receives the answer."""
    model, answers = Gate(), []
    service = loaded(model, Batching(queue=1))
    client = threading.Thread(target=lambda: answers.append(ask(service, "POST", "/service", b"first")))
    client.start()
    assert model.inside.wait(DEADLINE)
    yield service, answers
    model.go_on.set()
    client.join(DEADLINE)
    assert [(status, json.loads(body)) for status, _, body in answers] == [(200, {"echo": "first"})]


def test_a_full_queue_rejects_at_once_with_retry_after(busy):
    service, answers = busy
    status, headers, body = ask(service, "POST", "/service", b"second")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert json.loads(body) == {"error": "the queue is full: 1 requests are waiting or running"}
    assert not answers


def test_a_full_queue_keeps_the_server_ready(busy):
    assert ask(busy[0], "GET", "/initialized")[0::2] == (200, b"YES")


def test_a_stopping_server_rejects_new_requests_and_finishes_admitted_ones(busy):
    service, answers = busy
    assert not service.drain(0)
    status, headers, body = ask(service, "POST", "/service", b"second")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert json.loads(body) == {"error": "the server is stopping"}
    assert ask(service, "GET", "/initialized")[0::2] == (503, b"NO")
    assert not answers


def test_an_answer_frees_the_slot():
    service = loaded(EchoModel(), Batching(queue=1))
    assert [ask(service, "POST", "/service", body)[0] for body in (b"a", b"crash", b"bad", b"", b"b")] == [
        200,
        500,
        400,
        400,
        200,
    ]
    assert service.drain(0)


def test_a_slow_body_frees_its_slot(monkeypatch):
    monkeypatch.setattr(bodies, "READ_SECONDS", 0.2)
    service = loaded(EchoModel())
    ours, theirs = socket.socketpair()
    done = threading.Event()

    def drip() -> None:
        while not done.wait(0.01):
            with suppress(BrokenPipeError):
                theirs.sendall(b"x")

    client = threading.Thread(target=drip)
    with ours, theirs, ours.makefile("rb") as stream:
        client.start()
        # Not through the WSGI validator, which rejects a socket in the environment.
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/service", "CONTENT_LENGTH": "1000000"}
        environ |= {"wsgi.input": stream, "gunicorn.socket": ours}
        statuses: list[str] = []
        (body,) = create_app(service)(environ, lambda status, _: statuses.append(status))
        done.set()
        client.join(DEADLINE)
    assert statuses == ["408 Request Timeout"]
    assert "did not arrive within 0.2 s" in json.loads(body)["error"]
    assert service.drain(0)


def test_a_body_with_truncated_chunks_is_rejected(service):
    class Broken(io.BytesIO):
        def read(self, *_: int) -> bytes:
            raise OSError("invalid chunk")

    status, _, answer = ask(service, "POST", "/service", CONTENT_LENGTH=None, **{"wsgi.input": Broken()})
    assert status == 400
    assert "the body is truncated" in json.loads(answer)["error"]


def metric(service: Service, name: str) -> float:
    """A sample of the metrics, by its name with labels."""
    status, headers, body = ask(service, "GET", "/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    (line,) = [line for line in body.decode().splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


def test_requests_are_counted_by_status_with_their_time_and_batches():
    service = loaded(EchoModel())
    for body in (b"a", b"b", b"bad", b""):
        ask(service, "POST", "/service", body)
    assert metric(service, 'inference_requests_total{code="200"}') == 2
    assert metric(service, 'inference_requests_total{code="400"}') == 2
    assert metric(service, "inference_request_seconds_count") == 4
    assert metric(service, "inference_batch_size_count") == 3
    assert metric(service, 'inference_batch_size_bucket{le="1.0"}') == 3
    assert metric(service, "inference_model_seconds_count") == 3
    assert metric(service, "inference_queue_length") == 0
    assert metric(service, "process_resident_memory_bytes") > 0


def test_the_queue_length_counts_waiting_requests():
    model = Gate()
    service = loaded(model)
    with ThreadPoolExecutor(3) as clients:
        first = clients.submit(service.answer, b"a")
        assert model.inside.wait(DEADLINE)
        others = [clients.submit(service.answer, body) for body in (b"b", b"c")]
        deadline = time.monotonic() + DEADLINE
        while metric(service, "inference_queue_length") != 2:
            assert time.monotonic() < deadline
        model.go_on.set()
        assert [one.result(DEADLINE) for one in (first, *others)] == [{"echo": "a"}, {"echo": "b"}, {"echo": "c"}]


def test_other_paths_are_not_counted(service):
    def counted() -> list[str]:
        return [line for line in ask(service, "GET", "/metrics")[2].decode().splitlines() if "requests_total" in line]

    before = counted()
    ask(service, "GET", "/initialized")
    assert counted() == before


@pytest.mark.parametrize("where", ["create", "load"])
@pytest.mark.parametrize("error", [OSError("no graph"), SystemExit(1)], ids=["exception", "exit"])
def test_a_model_that_cannot_be_created_or_loaded_is_reported(where, error):
    class Broken(EchoModel):
        def load_model(self) -> None:
            raise error

    def create() -> EchoModel:
        if where == "create":
            raise error
        return Broken()

    failures: list[BaseException] = []
    service = Service(create, failures.append)
    service.start()
    service._thread.join(DEADLINE)
    assert failures == [error]
    assert not service.initialized
