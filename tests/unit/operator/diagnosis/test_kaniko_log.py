"""The diagnosis of Kaniko's log, as a table. `test_captured_logs` has the logs of the real Kaniko."""

import pytest

from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import ReasonClass
from inference_image_operator.diagnosis import kaniko_log

UNAUTHORIZED = ["UNAUTHORIZED", "authentication required", "401 Unauthorized", "denied: x", "403 Forbidden"]
UNAVAILABLE = [
    "connection refused", "connection reset by peer", "i/o timeout", "TLS handshake timeout", "no such host",
    "unexpected EOF", "unexpected status code 503", "response status code: 502", "response status code 500",
    "TOOMANYREQUESTS", "503 Service Unavailable",
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason", "retryable"),
    [(line, "RegistryUnauthorized", False) for line in UNAUTHORIZED]
    + [(line, "RegistryUnavailable", True) for line in UNAVAILABLE]
    + [("lstat x", "BuildFailed", False), ("status code 404", "BuildFailed", False)],
)
def test_kanikos_last_line_is_diagnosed(line, reason, retryable):
    found = kaniko_log.diagnose(f"INFO start\nerror: {line}\n\n")
    assert (found.reason, found.reason.kind is ReasonClass.RETRY) == (reason, retryable)
    assert found.message.endswith(f": {line}")
    assert retryable or REQUEST_AGAIN in found.hint


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("one\ntwo", "two"),
        ("Error: first\nError: second\nUsage: errors", "second"),
        ("FATAL: x\nlater", "x"),
        ("error building image: error building stage: failed to execute command: x", "x"),
        ("step failed\nlater", "step failed"),
        ("an error\nlater", "an error"),
        ("so fatal\nlater", "so fatal"),
        ("e" * 501, "e" * 500),
    ],
)
def test_the_line_that_names_the_cause(log, line):
    assert kaniko_log.diagnose(log).message == f"Kaniko failed: {line}"


@pytest.mark.parametrize("log", ["", " \n\n"])
def test_an_empty_log_is_reported(log):
    assert kaniko_log.diagnose(log).message == "Kaniko failed and printed nothing."
