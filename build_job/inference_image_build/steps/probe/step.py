"""Probe: waits until the image under test is ready, sends it a test request, and checks the response."""

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

HOST = "127.0.0.1"
MAX_ANSWER = 16 * 1024**2
_INTERVAL = 0.2
"""Seconds between two readiness checks."""
_ASK_TIMEOUT = 5.0
_JPEG = b"\xff\xd8\xff"
_OF_JPEG = "Libraries decode JPEG differently: with matchGraph, set spec.test.sample to a PNG. "


class _Answer(NamedTuple):
    status: int
    body: bytes


def probe(request: ProbeInput, picture: bytes = b"", graph: Sequence[response_check.Detection] = ()) -> Probed:
    """Waits until the image is ready, sends it `picture` (by default the built-in one) and checks the response.

    Both share the timeout. `graph` has the frozen graph's detections in the picture, if they are to be compared.
    Raises StageError: `ImageDoesNotLoad`, `ImageDoesNotAnswer`, `ImageAnswersLate`, `ImageAnswersWrong`.
    """
    with requests.Session() as session:
        session.trust_env = False  # traffic within the pod must not go through a proxy of the environment
        start = time.monotonic()
        deadline = start + request.timeout_seconds
        _wait_ready(session, request, deadline)
        ready = time.monotonic()
        _ask(session, request, picture or sample.png(), graph, deadline)
        answered = time.monotonic()
        return Probed(
            ready_seconds=round(ready - start, 3),
            answer_seconds=round(answered - ready, 3),
            memory_bytes=_memory(session, request.port),
        )


def _wait_ready(session: requests.Session, request: ProbeInput, deadline: float) -> None:
    url = f"http://{HOST}:{request.port}{request.ready_path}"
    seen = "nothing"
    while (left := deadline - time.monotonic()) > 0:
        try:
            answer = _send(session, "GET", url, b"", min(_ASK_TIMEOUT, left))
        except requests.RequestException as error:
            seen = _describe(error)
        else:
            if answer.status == requests.codes.ok:
                return
            seen = f"status {answer.status} with {response_check.shown(answer.body)}"
        time.sleep(max(0.0, min(_INTERVAL, deadline - time.monotonic())))
    raise StageError(
        Reason.IMAGE_DOES_NOT_LOAD,
        f"The image is not ready after {request.timeout_seconds} s: the last GET {request.ready_path} on port "
        f"{request.port} returned {seen}.",
        "Check that the image serves spec.test.readyPath on spec.test.port (see the log of the container `image`). Fix "
        f"the inference code or raise spec.test.timeout; if the spec does not change, {REQUEST_AGAIN}",
    )


def _ask(
    session: requests.Session,
    request: ProbeInput,
    picture: bytes,
    graph: Sequence[response_check.Detection],
    deadline: float,
) -> None:
    asked = f"POST {request.path} with a picture of {len(picture)} bytes"
    url = f"http://{HOST}:{request.port}{request.path}"
    try:
        answer = _send(session, "POST", url, picture, max(1.0, deadline - time.monotonic()))
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


def _memory(session: requests.Session, port: int) -> int:
    """The memory that the image reports; 0 when it reports none, which is not a failure."""
    try:
        answer = _send(session, "GET", f"http://{HOST}:{port}{memory_metric.PATH}", b"", _ASK_TIMEOUT)
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
    return "connection refused" if "refused" in str(error) else "a broken connection"


def _wrong(what: str, hint: str = "") -> StageError:
    return StageError(
        Reason.IMAGE_ANSWERS_WRONG,
        f"The image returns a wrong response: {what}.",
        f"{hint}Check spec.test (path, sample, expect) and the inference code (see the log of the container `image`); "
        f"if the spec does not change, {REQUEST_AGAIN}",
    )
