"""What the inference server answers, request by request, with a model of the test's own behind it."""

import io
import json
import threading
from collections.abc import Callable, Sequence
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from inference_server import BadInput, app
from inference_server.app import create_app
from inference_server.service import Service

DEADLINE = 10


class EchoModel:
    """Answers the body it got; some bodies make it misbehave."""

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
        return special.get(data[0], lambda: [{"echo": data[0].decode()}])()


def loaded(model: object) -> Service:
    """A service of `model` that is ready."""
    failures: list[BaseException] = []
    service = Service(lambda: model, failures.append)
    service.start()
    service._thread.join(DEADLINE)
    assert not failures
    assert service.initialized
    return service


def ask(service: Service, method: str, path: str, body: bytes = b"", **environ: object) -> tuple[int, dict, bytes]:
    """Status, headers and body of one request, checked against the WSGI rules on its way."""
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


def test_a_body_without_a_declared_length_is_taken(service):
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
        ("GET", "/", b"", 404, "/service"),
    ],
)
def test_what_cannot_be_answered_is_said_in_json(service, method, path, body, status, words):  # noqa: PLR0917 - a table
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
def test_a_body_over_the_limit_is_refused(service, monkeypatch, length):
    monkeypatch.setattr(app, "MAX_BODY", 10)
    assert ask(service, "POST", "/service", b"x" * 11, CONTENT_LENGTH=length)[0] == 413


def test_a_body_that_breaks_off_is_refused(service):
    status, _, answer = ask(service, "POST", "/service", b"half", CONTENT_LENGTH="8")
    assert status == 400
    assert "4 of 8 bytes" in json.loads(answer)["error"]


def test_initialized_says_yes_once_loaded(service):
    assert ask(service, "GET", "/initialized")[0::2] == (200, b"YES")
    assert ask(service, "HEAD", "/initialized")[0::2] == (200, b"")


def test_while_the_model_loads_clients_are_told_to_come_again():
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


def test_requests_reach_the_model_one_at_a_time():
    class CountingModel(EchoModel):
        inside = 0
        most = 0

        def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
            CountingModel.inside += 1
            CountingModel.most = max(CountingModel.most, CountingModel.inside)
            meeting.wait()
            CountingModel.inside -= 1
            return super().execute(data, batch_size)

    # Each execute waits for one outside it; were two inside, they would meet each other and `most` would be 2.
    meeting = threading.Barrier(2, timeout=DEADLINE)
    service = loaded(CountingModel())
    threads = [threading.Thread(target=service.answer, args=(b"x",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        meeting.wait()
    for thread in threads:
        thread.join(DEADLINE)
    assert CountingModel.most == 1


@pytest.mark.parametrize("where", ["create", "load"])
@pytest.mark.parametrize("error", [OSError("no graph"), SystemExit(1)], ids=["exception", "exit"])
def test_a_model_that_cannot_be_had_is_reported(where, error):
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
