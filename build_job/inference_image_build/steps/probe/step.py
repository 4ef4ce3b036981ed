"""Probe: asks the built image, which runs beside it, as a client would: is it ready, does it answer a picture."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import requests

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.steps.probe import memory_metric, response_check
from inference_image_contract import sample
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ProbeInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Probed

HOST = "127.0.0.1"
MAX_ANSWER = 16 * 1024**2
_INTERVAL = 0.2
"""Seconds between two questions whether it is ready."""
_ASK_TIMEOUT = 5.0
_JPEG = b"\xff\xd8\xff"
_OF_JPEG = "Libraries decode a JPEG in different ways: with matchGraph, name a PNG as spec.test.sample. "


class _Answer(NamedTuple):
    status: int
    body: bytes


def probe(stage: ProbeInput, picture: bytes = b"", graph: Sequence[response_check.Detection] = ()) -> Probed:
    """Waits until the image is ready, then sends it `picture` (by default a drawn one) and judges the answer.

    Both share the timeout. `graph`: what the frozen graph finds in the picture, where that is compared.
    Raises StageError: `ImageDoesNotLoad`, `ImageDoesNotAnswer`, `ImageAnswersLate`, `ImageAnswersWrong`.
    """
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the environment must not come between two containers of one pod
        start = time.monotonic()
        deadline = start + stage.timeout_seconds
        _wait_ready(session, stage, deadline)
        ready = time.monotonic()
        _ask(session, stage, picture or sample.png(), graph, deadline)
        answered = time.monotonic()
        return Probed(
            ready_seconds=round(ready - start, 3),
            answer_seconds=round(answered - ready, 3),
            memory_bytes=_memory(session, stage.port),
        )


def _wait_ready(session: requests.Session, stage: ProbeInput, deadline: float) -> None:
    url = f"http://{HOST}:{stage.port}{stage.ready_path}"
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
        f"The image is not ready after {stage.timeout_seconds} s: GET {stage.ready_path} on port {stage.port} last "
        f"gave {seen}.",
        "Check that the image serves spec.test.readyPath on spec.test.port (the log of the container `image` tells "
        f"more), correct the code or raise spec.test.timeout; if the spec stays as it is, {REQUEST_AGAIN}",
    )


def _ask(
    session: requests.Session,
    stage: ProbeInput,
    picture: bytes,
    graph: Sequence[response_check.Detection],
    deadline: float,
) -> None:
    asked = f"POST {stage.path} with a picture of {len(picture)} bytes"
    url = f"http://{HOST}:{stage.port}{stage.path}"
    try:
        answer = _send(session, "POST", url, picture, max(1.0, deadline - time.monotonic()))
    except requests.Timeout as error:
        raise StageError(
            Reason.IMAGE_ANSWERS_LATE,
            f"The image is ready, but {asked} got no answer within {stage.timeout_seconds} s of its start.",
            f"Raise spec.test.timeout, or make the answer faster and {REQUEST_AGAIN}",
        ) from error
    except requests.RequestException as error:
        raise StageError(
            Reason.IMAGE_DOES_NOT_ANSWER,
            f"The image is ready, but {asked} ended with {_describe(error)}.",
            f"The log of the container `image` tells what ends it: correct the code and {REQUEST_AGAIN}",
        ) from error
    if fault := response_check.fault(stage, answer.status, answer.body, graph):
        raise _wrong(f"{asked} {fault}", _OF_JPEG if stage.match_graph and picture.startswith(_JPEG) else "")


def _memory(session: requests.Session, port: int) -> int:
    """What the image tells of its memory, 0 when it tells nothing: that is nothing to fail for."""
    try:
        answer = _send(session, "GET", f"http://{HOST}:{port}{memory_metric.PATH}", b"", _ASK_TIMEOUT)
    except (requests.RequestException, StageError):
        return 0
    told = answer.status == requests.codes.ok and len(answer.body) <= memory_metric.MAX_BYTES
    return memory_metric.told_bytes(answer.body) if told else 0


def _send(session: requests.Session, method: str, url: str, body: bytes, timeout: float) -> _Answer:
    """One request; the time limit holds for the whole answer, so that a trickle cannot outlast it."""
    end = time.monotonic() + timeout
    headers = {"Content-Type": "application/octet-stream"} if body else {}
    with session.request(
        method, url, data=body or None, headers=headers, timeout=timeout, allow_redirects=False, stream=True
    ) as response:
        data = bytearray()
        for chunk in response.iter_content(64 * 1024):
            data += chunk
            if time.monotonic() > end:
                raise requests.Timeout("the answer trickles")
            if len(data) > MAX_ANSWER:
                raise _wrong(f"{method} {url} gave more than {MAX_ANSWER} bytes")
        return _Answer(response.status_code, bytes(data))


def _describe(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return "connection refused" if "refused" in str(error) else "a broken connection"


def _wrong(what: str, hint: str = "") -> StageError:
    return StageError(
        Reason.IMAGE_ANSWERS_WRONG,
        f"The image answers wrongly: {what}.",
        f"{hint}Check spec.test (path, sample, expect), and the code (the log of the container `image` tells more); "
        f"if the spec stays as it is, {REQUEST_AGAIN}",
    )
