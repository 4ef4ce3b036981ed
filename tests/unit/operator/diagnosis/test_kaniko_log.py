"""The diagnosis of Kaniko's log, as a table. `test_captured_logs` has the logs of the real Kaniko."""

import pytest

from inference_image_contract.hints import GROUP_DIFFERS, REQUEST_AGAIN
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


def test_a_check_that_ends_the_build_says_what_differs_and_what_to_do():
    """`tests/builders` reads the same from the real Kaniko."""
    log = f"""time="2026-11-29T06:28:25Z" level=info msg="RUN [\\"/bin/sh\\", \\"/x/check-owner\\", \\"sync\\"]"
time="2026-11-29T06:28:25Z" level=info msg="Running: [/bin/sh /x/check-owner sync]"
{GROUP_DIFFERS}: --chown=sync has group nogroup with Docker. Write --chown=sync:nogroup.
error building image: error building stage: failed to execute command: waiting for process to exit: exit status 125
"""
    found = kaniko_log.diagnose(log)
    assert (found.reason, found.reason.kind) == ("BuilderUnsupported", ReasonClass.PERMANENT)
    assert found.message == f"{GROUP_DIFFERS}: --chown=sync has group nogroup with Docker."
    assert found.hint == f"Write --chown=sync:nogroup. Upload the corrected Dockerfile, {REQUEST_AGAIN}"
