"""Text that others write, at its worst for a pattern. The operator reads it in the process that serves every object."""

from datetime import UTC, datetime

import pytest

from inference_image_contract.redact import redact
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis import admission, kaniko_log, pending, tested_image
from inference_image_operator.diagnosis.kaniko_log import MAX_LINE
from inference_image_operator.diagnosis.kaniko_rules import Rule
from inference_image_operator.diagnosis.outcomes import Failed, assess
from inference_image_operator.observed import Container, Event, Job, Pod
from tests.support.limits import within

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
FOUND = ("error: " + "http://a/v2/" * 43 + "/blobs/").ljust(2048, "a")
"""It took the regular expressions of an earlier version 90 s."""
BEGINNINGS = [
    "error: ", "http://a/v2/", "http://", "https://a/v2/b/blobs/", "exceed", "/v2/", "user ", "project ", "lookup ",
    "push check transport for a failed: ", "failed quota: ", "authorization:", "Basic ", "password", "token = ", "://a:",
    "unable to complete operation after 1", "could not parse reference: ", "starting command: fork/exec ", "?_state=",
    'checking push permission for "', 'secret "', 'time="" level=info msg="', "Back-off pulling image ", "maximum ",
    "chown ",
    "no child with platform ", "failed to get fileinfo for ", "waiting for process to exit: exit status 1",
]  # fmt: skip
"""What the patterns begin with, so that each place in a text starts one."""


def worst(size):
    yield FOUND
    for word in BEGINNINGS:
        yield (word * (size // len(word) + 1))[:size]
        yield "error: " + (word * (size // len(word) + 1))[:size]
        yield word + " " * size
        yield word + "a" * size
        yield "\n".join([word] * (size // len(word)))


def pods(text, container="kaniko"):
    said = Container(name=container, exit_code=1, report=text, message=text, log=text, waiting="ImagePullBackOff")
    return (Pod(name="p", uid="u", phase="Pending", created=START, message=text, containers=(said,)),)


JOB = Job(name="j", uid="u", stage="Build", content="c", attempt=1, failed="BackoffLimitExceeded")

READERS = {
    "Kaniko's log": kaniko_log.diagnose,
    "redaction": redact,
    "a refused pod": lambda text: admission.of_pod(Stage.BUILD, text),
    "a refused Job": lambda text: admission.of_job(Stage.BUILD, "j", 403, text),
    "what warns of a pod": lambda text: pending.cause(
        Stage.BUILD, pods(text), tuple(Event(reason=r, message=text, time=START) for r in pending.WARNINGS)
    ),
    "the tested image": lambda text: tested_image.log_tail(pods(text, tested_image.IMAGE)),
    "an outcome": lambda text: assess(Stage.BUILD, JOB, pods(text), ()),
    "a deadline": lambda text: assess(Stage.TEST, JOB, pods(text, tested_image.IMAGE), ()),
}


@pytest.mark.parametrize("reader", READERS)
def test_the_cost_grows_with_the_length_alone(reader):
    """16 KiB in each of about 140 forms; a termination message has 4 KiB at most."""
    within(lambda: [READERS[reader](text) for text in worst(16384)], cpu=20)


def test_patterns_see_the_beginning_of_a_line(monkeypatch):
    seen = []
    match = Rule.match
    monkeypatch.setattr(Rule, "match", lambda rule, line: seen.append(len(line)) or match(rule, line))
    for text in worst(65536):
        kaniko_log.diagnose(text)
    assert max(seen) == MAX_LINE


@pytest.mark.parametrize(
    "report",
    [
        '{"reason": ' + "[" * 4000,
        '{"x":' + "[" * 1500 + "]" * 1500 + "}",  # an unknown field is skipped, level by level
        '{"schemaVersion": 1e400}', '{"reason": "\\ud800"}', "\ud800", "9" * 4000, "null", "[]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", [0, 1, 64, 1000])
def test_a_report_of_any_content_is_an_outcome(report, code):
    main = Container(name="resolve", exit_code=code, report=report)
    job = Job(name="j", uid="u", stage="Resolve", content="c", attempt=1, complete=not code, failed="x" if code else "")
    outcome = assess(Stage.RESOLVE, job, (Pod(name="p", uid="u", phase="x", created=START, containers=(main,)),), ())
    assert isinstance(outcome, Failed)
    assert outcome.reason == ("ContainerFailed" if code else "ResultLost")
