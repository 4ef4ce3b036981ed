"""Probe: images that are ready, late, silent, broken or wrong, simulated by a small HTTP server on loopback."""

import struct
import threading
import zlib

import pytest
import requests

from inference_image_build.steps.probe import step as module
from inference_image_build.steps.probe.step import probe
from inference_image_contract import sample
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ProbeInput
from inference_image_contract.reasons import Reason

LOCAL = "127.0.0.1"


def ask(request: ProbeInput, *content: bytes, address: str = LOCAL):
    return probe(request, address, *content)


def step_input(port: int, timeout_seconds: int = 1) -> ProbeInput:
    return ProbeInput(port=port, ready_path="/initialized", path="/service", timeout_seconds=timeout_seconds)


def answer(request, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def image(status: int = 200, body: bytes = b'{"boxes": []}', *, ready: int = 200, pictures: list | None = None):
    """A handler that simulates the image under test."""

    def handle(request):
        if request.command == "GET":
            answer(request, ready if request.path == "/initialized" else 404, b"YES")
            return
        picture = request.rfile.read(int(request.headers["Content-Length"]))
        if pictures is not None:
            pictures.append((request.path, picture))
        answer(request, status, body)

    return handle


def failure(port: int, *, address: str = LOCAL, **options) -> StageError:
    with pytest.raises(StageError) as caught:
        ask(step_input(port, **options), address=address)
    return caught.value


@pytest.fixture(autouse=True)
def proxy_that_answers_nothing(monkeypatch):
    """Traffic between the containers of one pod must not go through a proxy of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")


def test_a_picture_is_sent_unchanged(serve):
    pictures = []
    result = ask(step_input(serve(image(pictures=pictures))), b"\x89PNG...")
    assert pictures == [("/service", b"\x89PNG...")]
    assert 0 <= result.ready_seconds < 30
    assert 0 <= result.answer_seconds < 30


def test_the_built_in_picture_is_the_default(serve):
    pictures = []
    ask(step_input(serve(image(pictures=pictures))))
    assert pictures == [("/service", sample.png())]


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        (b"# HELP x\nprocess_resident_memory_bytes 2.5e+09\n", 2_500_000_000),
        (b"process_resident_memory_bytes 1e9\nprocess_resident_memory_peak_bytes 3000000000.0\n", 3_000_000_000),
        (b'process_resident_memory_bytes{pid="7"} 5\nprocess_resident_memory_bytes{pid="8"} 9 1395066363000\n', 9),
        (b"process_resident_memory_bytes NaN\n", 0),
        (b"process_resident_memory_bytes 1e999\n", 0),
        (b"process_virtual_memory_bytes 5\n", 0),
        (b"\xff" * 100, 0),
        (b"process_resident_memory_bytes 5\n" + b" " * 2**20, 0),
        (None, 0),
    ],
    ids=["clients", "peak", "labels", "not a number", "endless", "another", "no text", "too much", "no metrics"],
)
def test_the_memory_that_the_image_reports_is_returned(serve, metrics, told):
    def handle(request):
        if request.path == "/metrics":
            answer(request, 200 if metrics else 404, metrics or b"")
        else:
            image()(request)

    assert ask(step_input(serve(handle), timeout_seconds=10)).memory_bytes == told


def test_the_probe_waits_for_an_image_that_starts_late(serve, unused_port):
    late = threading.Timer(0.5, lambda: serve(image(), unused_port))
    late.start()
    result = ask(step_input(unused_port, timeout_seconds=10))
    late.join()
    assert result.ready_seconds >= 0.4


def test_the_probe_waits_for_an_image_that_is_ready_late(serve):
    statuses = [503, 503]

    def handle(request):
        image(ready=statuses.pop() if statuses and request.command == "GET" else 200)(request)

    assert ask(step_input(serve(handle), timeout_seconds=10)).ready_seconds >= module._INTERVAL
    assert statuses == []


@pytest.mark.parametrize(
    ("handle", "words"),
    [(None, "connection refused"), (image(ready=503), "status 503 with 'YES'"), (image(ready=302), "status 302")],
    ids=["never listens", "never ready", "redirects"],
)
def test_an_image_that_is_never_ready_is_reported_with_its_last_answer(serve, unused_port, handle, words):
    error = failure(serve(handle) if handle else unused_port)
    assert error.reason == Reason.IMAGE_DOES_NOT_LOAD
    assert words in error.message
    for field in ("spec.test.readyPath", "spec.test.port", "spec.test.timeout", "uai.ucloud.cn/requestedAt"):
        assert field in error.hint


def test_the_answer_before_counts_when_the_deadline_cuts_the_last_request_short(serve, monkeypatch):
    send, answers = module._send, iter([True])

    def then_hangs(session, method, url, body, timeout):
        if next(answers, None):
            return send(session, method, url, body, 10)
        raise requests.Timeout

    monkeypatch.setattr(module, "_send", then_hangs)
    assert "status 503 with 'YES'" in failure(serve(image(ready=503)), timeout_seconds=4).message


OTHER = "127.0.0.2"
"""Plays the pod's address: a server on 0.0.0.0 serves it, a server on 127.0.0.1 does not."""
on_loopback_only = pytest.mark.parametrize("host", [LOCAL, "::1"])


@on_loopback_only
def test_an_image_that_is_ready_on_loopback_only_fails_at_once(serve, host):
    error = failure(serve(image(), host=host), address=OTHER, timeout_seconds=60)
    assert error.reason == Reason.IMAGE_LISTENS_ON_LOOPBACK
    assert "listens on loopback only" in error.message
    assert OTHER in error.message
    assert "Listen on 0.0.0.0" in error.hint


@on_loopback_only
def test_an_image_that_is_never_ready_and_listens_on_loopback_only_is_reported_as_such(serve, host):
    assert failure(serve(image(ready=503), host=host), address=OTHER).reason == Reason.IMAGE_LISTENS_ON_LOOPBACK


def test_an_image_that_listens_on_no_address_does_not_load(unused_port):
    assert failure(unused_port, address=OTHER).reason == Reason.IMAGE_DOES_NOT_LOAD


def test_an_image_that_listens_on_all_addresses_after_loopback_answered_is_fine(serve, monkeypatch):
    """The first attempt was before the image listened, the one on loopback after."""
    port = serve(image(), host="0.0.0.0")  # noqa: S104 - as images do
    send, tried = module._send, []

    def refused_once(session, method, url, *rest):
        tried.append(url)
        if len(tried) == 1:
            raise requests.ConnectionError("connection refused")
        return send(session, method, url, *rest)

    monkeypatch.setattr(module, "_send", refused_once)
    ask(step_input(port, timeout_seconds=10), address=OTHER)
    assert [url.split(":")[1] for url in tried[:3]] == [f"//{OTHER}", f"//{LOCAL}", f"//{OTHER}"]


@pytest.mark.parametrize(("host", "address"), [("0.0.0.0", OTHER), ("::", "::1"), ("::1", "::1")])  # noqa: S104
def test_the_image_is_asked_at_the_pods_address(serve, host, address):
    ask(step_input(serve(image(), host=host), timeout_seconds=10), address=address)


def test_a_silent_image_does_not_hang_the_probe(serve):
    release = threading.Event()
    port = serve(lambda _request: release.wait(10))
    try:
        assert "no response in time" in failure(port).message
    finally:
        release.set()


def test_an_image_that_is_ready_but_never_answers_the_picture(serve):
    release = threading.Event()

    def handle(request):
        if request.command == "POST":
            release.wait(10)
        else:
            answer(request, 200, b"YES")

    port = serve(handle)
    try:
        error = failure(port)
    finally:
        release.set()
    assert error.reason == Reason.IMAGE_ANSWERS_LATE
    assert "is ready, but POST /service" in error.message


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        (image(500, b"Traceback: boom"), "status 500 with 'Traceback: boom'"),
        (image(404, b""), "status 404 with an empty body"),
        (image(302, b""), "status 302"),
        (image(200, b""), "returned status 200 with an empty body"),
        (image(200, b" " * (module.MAX_ANSWER + 1)), "more than"),
    ],
    ids=["500", "404", "redirect", "nothing", "endless"],
)
def test_a_wrong_answer_is_shown(serve, handle, words):
    error = failure(serve(handle), timeout_seconds=5)
    assert error.reason == Reason.IMAGE_ANSWERS_WRONG
    assert words in error.message
    assert len(error.message) < 600
    assert "uai.ucloud.cn/requestedAt" in error.hint


@pytest.mark.parametrize(("picture", "told"), [(b"\xff\xd8\xff\xe0", True), (b"\x89PNG", False)])
def test_a_jpeg_that_is_compared_with_the_graph_may_be_the_cause(serve, picture, told):
    compared = ProbeInput(
        port=serve(image(200, b"[[0, 0, 1, 1, 'x']]")),
        ready_path="/initialized",
        path="/service",
        timeout_seconds=5,
        match_graph=True,
    )
    with pytest.raises(StageError) as caught:
        probe(compared, LOCAL, picture, [])
    assert ("set spec.test.sample to a PNG" in caught.value.hint) is told


def test_an_image_that_breaks_on_the_picture_does_not_answer(serve):
    def handle(request):
        if request.command == "GET":
            answer(request, 200, b"YES")
        else:
            request.connection.shutdown(2)

    error = failure(serve(handle), timeout_seconds=5)
    assert error.reason == Reason.IMAGE_DOES_NOT_ANSWER
    assert "is ready, but POST /service" in error.message


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (201, b"[1]"), (202, b"[[0.1, u'cat']]"), (200, b"<html>")])
def test_any_success_with_a_body_passes(serve, status, body):
    ask(step_input(serve(image(status, body)), timeout_seconds=5))


def test_the_built_in_picture_is_a_png_of_its_size():
    data = sample.png()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, chunks = 8, {}
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack(">I", data[position + 8 + length : position + 12 + length]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        position += 12 + length
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (sample.WIDTH, sample.HEIGHT)
    assert len(zlib.decompress(chunks[b"IDAT"])) == sample.HEIGHT * (1 + 3 * sample.WIDTH)
    assert len(data) < 4096
