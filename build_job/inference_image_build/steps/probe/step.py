"""Probe: waits until the image under test is ready, sends it a test request, and checks the response."""

import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

import requests

from inference_image_build.steps.probe import memory_metric, response_check
from inference_image_contract import sample
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import ProbeInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Probed

LOOPBACK = ("127.0.0.1", "::1")
MAX_ANSWER = 16 * 1024**2
_INTERVAL = 0.2
"""Seconds between two readiness checks."""
_ASK_TIMEOUT = 5.0
_LOOPBACK_TIMEOUT = 1.0
_JPEG = b"\xff\xd8\xff"
_REFUSED = "connection refused"
_OF_JPEG = "Libraries decode JPEG differently: with matchGraph, set spec.test.sample to a PNG. "


class _Answer(NamedTuple):
    status: int
    body: bytes


class _Image(NamedTuple):
    """The image under test, at the address that its clients use."""

    session: requests.Session
    address: str
    port: int

    def url(self, path: str, host: str = "") -> str:
        """The URL of a path, at the image's address or at another host."""
        host = host or self.address
        return f"http://[{host}]:{self.port}{path}" if ":" in host else f"http://{host}:{self.port}{path}"


def probe(
    request: ProbeInput, address: str, picture: bytes = b"", graph: Sequence[response_check.Detection] = ()
) -> Probed:
    """Waits until the image is ready, sends it `picture` (by default the built-in one) and checks the response.

    Both share the timeout. `address` is the pod's: IPv4, IPv6 or its host name. Loopback would also reach an image that
    no client reaches. `graph` has the frozen graph's detections in the picture, if they are to be compared.

    Raises StageError: `ImageListensOnLoopback`, `ImageDoesNotLoad`, `ImageDoesNotAnswer`, `ImageAnswersLate`,
    `ImageAnswersWrong`.
    """
    with requests.Session() as session:
        session.trust_env = False  # traffic within the pod must not go through a proxy of the environment
        image = _Image(session, address, request.port)
        start = time.monotonic()
        deadline = start + request.timeout_seconds
        _wait_ready(image, request, deadline)
        ready = time.monotonic()
        _ask(image, request, picture or sample.png(), graph, deadline)
        answered = time.monotonic()
        return Probed(
            ready_seconds=round(ready - start, 3),
            answer_seconds=round(answered - ready, 3),
            memory_bytes=_memory(image),
        )


def _wait_ready(image: _Image, request: ProbeInput, deadline: float) -> None:
    url = image.url(request.ready_path)
    seen = ""
    while (left := deadline - time.monotonic()) > 0:
        try:
            answer = _send(image.session, "GET", url, b"", min(_ASK_TIMEOUT, left))
        except requests.RequestException as error:
            if seen and left < _ASK_TIMEOUT and isinstance(error, requests.Timeout):
                break  # the deadline cut this request short: the answer before says more
            seen = _describe(error)
            if seen == _REFUSED and _is_ready_on_loopback(image, request.ready_path):
                _check_address(image)
        else:
            if answer.status == requests.codes.ok:
                return
            seen = f"status {answer.status} with {response_check.shown(answer.body)}"
        time.sleep(max(0.0, min(_INTERVAL, deadline - time.monotonic())))
    if seen == _REFUSED and any(_is_open(host, image.port) for host in LOOPBACK):
        _check_address(image)
    raise StageError(
        Reason.IMAGE_DOES_NOT_LOAD,
        f"The image is not ready after {request.timeout_seconds} s: the last GET {request.ready_path} on port "
        f"{request.port} returned {seen or 'nothing'}.",
        "Check that the image serves spec.test.readyPath on spec.test.port (see the log of the container `image`). Fix "
        f"the inference code or raise spec.test.timeout; if the spec does not change, {REQUEST_AGAIN}",
    )


def _is_ready_on_loopback(image: _Image, path: str) -> bool:
    for host in LOOPBACK:
        try:
            answer = _send(image.session, "GET", image.url(path, host), b"", _LOOPBACK_TIMEOUT)
        except (requests.RequestException, StageError):
            continue
        if answer.status == requests.codes.ok:
            return True
    return False


def _is_open(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_LOOPBACK_TIMEOUT):
            return True
    except OSError:
        return False


def _check_address(image: _Image) -> None:
    """Called after loopback accepted a connection: the image may have begun to listen on all addresses before that.

    Raises StageError if the pod's address still refuses.
    """
    if _is_open(image.address, image.port):
        return
    raise StageError(
        Reason.IMAGE_LISTENS_ON_LOOPBACK,
        f"The image listens on loopback only: port {image.port} is open on 127.0.0.1 or ::1, but closed on the "
        f"pod's address {image.address}, so no client reaches it.",
        "Listen on 0.0.0.0, or on :: for IPv6, in the inference code or in CMD of the Dockerfile, upload it and "
        f"{REQUEST_AGAIN}",
    )


def _ask(
    image: _Image, request: ProbeInput, picture: bytes, graph: Sequence[response_check.Detection], deadline: float
) -> None:
    asked = f"POST {request.path} with a picture of {len(picture)} bytes"
    url = image.url(request.path)
    try:
        answer = _send(image.session, "POST", url, picture, max(1.0, deadline - time.monotonic()))
    except requests.Timeout as error:
        raise StageError(
            Reason.IMAGE_ANSWERS_LATE,
            f"The image is ready, but {asked} got no response within {request.timeout_seconds} s of its start.",
            f"Raise spec.test.timeout, or make the inference code faster and {REQUEST_AGAIN}",
        ) from error
    except requests.RequestException as error:
        raise StageError(
            Reason.IMAGE_DOES_NOT_ANSWER,
            f"The image is ready, but {asked} ended with {_describe(error)}.",
            f"Find the cause in the log of the container `image`, fix the inference code and {REQUEST_AGAIN}",
        ) from error
    if fault := response_check.fault(request, answer.status, answer.body, graph):
        raise _wrong(f"{asked} {fault}", _OF_JPEG if request.match_graph and picture.startswith(_JPEG) else "")


def _memory(image: _Image) -> int:
    """The memory that the image reports; 0 when it reports none, which is not a failure."""
    try:
        answer = _send(image.session, "GET", image.url(memory_metric.PATH), b"", _ASK_TIMEOUT)
    except (requests.RequestException, StageError):
        return 0
    has_metrics = answer.status == requests.codes.ok and len(answer.body) <= memory_metric.MAX_BYTES
    return memory_metric.resident_bytes(answer.body) if has_metrics else 0


def _send(session: requests.Session, method: str, url: str, body: bytes, timeout: float) -> _Answer:
    """One request; the timeout covers the whole response, so that a slow trickle cannot exceed it."""
    end = time.monotonic() + timeout
    headers = {"Content-Type": "application/octet-stream"} if body else {}
    with session.request(
        method, url, data=body or None, headers=headers, timeout=timeout, allow_redirects=False, stream=True
    ) as response:
        data = bytearray()
        for chunk in response.iter_content(64 * 1024):
            data += chunk
            if time.monotonic() > end:
                raise requests.Timeout("the response takes too long")
            if len(data) > MAX_ANSWER:
                raise _wrong(f"{method} {url} returned more than {MAX_ANSWER} bytes")
        return _Answer(response.status_code, bytes(data))


def _describe(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no response in time"
    return _REFUSED if "refused" in str(error) else "a broken connection"


def _wrong(what: str, hint: str = "") -> StageError:
    return StageError(
        Reason.IMAGE_ANSWERS_WRONG,
        f"The image returns a wrong response: {what}.",
        f"{hint}Check spec.test (path, sample, expect) and the inference code (see the log of the container `image`); "
        f"if the spec does not change, {REQUEST_AGAIN}",
    )
