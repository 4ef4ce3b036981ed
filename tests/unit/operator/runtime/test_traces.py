"""The sender of traces: what a receiver decodes, and that no receiver and no text holds up the loop."""

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from devcluster.lib import ports
from inference_image_contract import __version__, results
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.core import trace
from inference_image_operator.runtime import traces as shell
from inference_image_operator.runtime.traces import Traces
from tests.loop.api import wait_for
from tests.support.otlp import Receiver, receiving
from tests.support.world import DIGEST, START, World, report

SOON = 0.05  # seconds between requests


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """The filters of one test silence no other."""
    names = (*shell._SAYS_EACH_TIME, shell._SAYS_SECRETS)
    before = {name: list(logging.getLogger(name).filters) for name in names}
    yield
    for name, filters in before.items():
        logging.getLogger(name).filters[:] = filters
        logging.getLogger(name).disabled = False


def sent(world: World, sender: Traces) -> World:
    """A world whose reconciles are traced."""
    step = world.step

    def traced():
        before = world.observed()
        decision = step()
        if decision.status != before.status:
            sender.decided(before, decision.status, world.now)
        return decision

    world.step = traced
    return world


def url(receiver: Receiver) -> str:
    return f"{receiver.endpoint}/v1/traces"


def until(receiver: Receiver, count: int) -> None:
    wait_for(f"{count} spans arrive", lambda: len(receiver.spans) >= count, lambda: str(receiver.spans), 60)


def test_a_receiver_decodes_a_whole_run(receiver):
    sender = Traces(url(receiver), SOON)
    world = sent(World(), sender)
    world.run_whole()
    until(receiver, 6)
    sender.close()
    (spans,) = receiver.traces.values()
    run = next(span for span in spans if span.name == "run")
    stages = [span for span in spans if span is not run]
    assert [span.name for span in stages] == list(Stage)
    assert run.parent == ""
    assert {span.parent for span in stages} == {run.id}
    assert (run.start, run.end) == (START.timestamp(), world.now.timestamp())
    assert [span.end - span.start for span in stages] == [10] * 5
    assert run.attributes["oci.manifest.digest"] == DIGEST
    assert run.attributes["k8s.namespace.name"] == "object-detect"
    assert run.attributes["inferenceimage.generation"] == 1
    assert stages[1].attributes["k8s.job.name"] == world.created[1]["metadata"]["name"]
    assert not any(span.failed for span in spans)
    assert receiver.resource["service.name"] == "inference-image-operator"
    assert receiver.resource["service.version"] == __version__
    assert {*receiver.paths} == {"/v1/traces"}


def test_a_failure_is_an_error_with_its_message(receiver):
    sender = Traces(url(receiver), SOON)
    world = sent(World(), sender)
    world.settle()
    failed = results.Failed(reason=Reason.LABEL_MAP_INVALID, message="Line 3: no id.", hint="")
    world.fail(report("resolve", results.encode(failed), Reason.LABEL_MAP_INVALID.exit_code, "Error"))
    world.settle()
    sender.close()
    assert [(span.name, span.failed, span.message) for span in receiver.spans] == [
        ("Resolve", True, "Line 3: no id."),
        ("run", True, "Line 3: no id."),
    ]
    assert receiver.spans[0].attributes["error.type"] == "LabelMapInvalid"


def test_a_restart_within_a_run_keeps_its_trace(receiver):
    first, second = Traces(url(receiver), SOON), Traces(url(receiver), SOON)
    world = World()
    step = world.step
    sent(world, first).run_to(Stage.BUILD)
    first.close()
    world.step = step
    sent(world, second).run_whole()
    second.close()
    assert len(receiver.spans) == 6
    assert len(receiver.traces) == 1
    assert len({span.id for span in receiver.spans}) == 6


def test_hostile_text_costs_neither_the_loop_nor_other_spans(receiver, monkeypatch):
    evil = trace.Span(
        trace_id=1,
        span_id=2,
        name="\ud800",
        start=START,
        end=START,
        attributes={"text": "\ud800" + "x" * 10_000, "list": ("\udfff\x00",)},
        error="\ud800\x00" + "y" * 10_000,
    )
    good = trace.Span(trace_id=1, span_id=3, parent_id=2, name="good", start=START, end=START, attributes={})
    monkeypatch.setattr(trace, "ended", lambda *_: (evil, good))
    sender = Traces(url(receiver), SOON)
    sender.decided(World().observed(), World().status, START)
    sender.close()
    assert "good" in [span.name for span in receiver.spans]
    assert all(len(text) <= shell.MAX_TEXT for span in receiver.spans for text in (span.message, span.name))


def test_a_defect_does_not_reach_the_reconcile(receiver, monkeypatch, caplog):
    def fails(*_: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(trace, "ended", fails)
    sender = Traces(url(receiver), SOON)
    sender.decided(World().observed(), World().status, START)
    sender.close()
    assert "cannot trace the run" in caplog.text


def test_an_absent_receiver_costs_a_line_of_the_log(monkeypatch, caplog):
    monkeypatch.setattr(shell, "TIMEOUT", 1.0)
    sender = Traces(f"http://127.0.0.1:{ports.reserve(1)[0]}/v1/traces", SOON)
    for number in range(20):
        sent(World(uid=str(number)), sender).run_whole()
    wait_for("the log says that nobody answers", lambda: caplog.records, lambda: caplog.text, 60)
    sender.close()
    assert [record.name for record in caplog.records] == ["opentelemetry.exporter.otlp.proto.http.trace_exporter"]
    assert "127.0.0.1" in caplog.text


def test_a_receiver_that_never_answers_holds_up_neither_the_loop_nor_the_end(monkeypatch, caplog):
    monkeypatch.setattr(shell, "TIMEOUT", 100.0)
    one = trace.Span(trace_id=1, span_id=2, name="one", start=START, end=START, attributes={})
    monkeypatch.setattr(trace, "ended", lambda *_: (one,) * (2 * shell.MAX_QUEUE))
    exporters: list[shell.OTLPSpanExporter] = []

    class Kept(shell.OTLPSpanExporter):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            exporters.append(self)

    monkeypatch.setattr(shell, "OTLPSpanExporter", Kept)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = Traces(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces", SOON)
        began = time.monotonic()
        sender.decided(World().observed(), World().status, START)
        assert time.monotonic() - began < 50, "more than the queue holds, and nothing waits for the receiver"
        monkeypatch.setattr(shell, "TIMEOUT", 0.1)
        began = time.monotonic()
        sender.close()
        assert time.monotonic() - began < 25, "the SDK alone waits for 30 s"
        exporters[0].shutdown()
    assert caplog.text.count("Queue full") == 1
    wait_for("the sending thread ends", lambda: not any("OtelBatch" in thread.name for thread in threading.enumerate()))


def test_a_receiver_that_refuses_is_named_once(caplog):
    with receiving(401) as receiver:
        sender = Traces(url(receiver), SOON)
        for number in range(3):
            sent(World(uid=str(number)), sender).run_whole()
            until(receiver, 6 * (number + 1))
        sender.close()
    assert caplog.text.count("code: 401") == 1


def test_headers_come_from_the_environment_and_never_reach_the_log(receiver, monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", 'authorization=Bearer%20hush,"malformed hush"')
    sender = Traces(url(receiver), SOON)
    sent(World(), sender).settle()
    sent(World(), sender).run_whole()
    sender.close()
    assert receiver.headers[0]["authorization"] == "Bearer hush"
    assert "hush" not in caplog.text


def test_the_operator_imports_opentelemetry_only_for_a_receiver():
    program = "import sys, inference_image_operator.__main__; print([m for m in sys.modules if 'opentelemetry' in m])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[]"


def test_a_filter_lets_a_line_pass_now_and_then(monkeypatch):
    clock = iter([0.0, 1.0, shell.QUIET - 1, shell.QUIET + 1])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    quiet = shell._NowAndThen("http://collector")
    record = logging.makeLogRecord({"msg": "100%% of %s", "args": ("them",)})
    assert [quiet.filter(record) for _ in range(4)] == [True, False, False, True]
    assert record.getMessage().endswith("traces to http://collector: 100% of them")


def test_times_are_exact_to_the_microsecond():
    moment = START + timedelta(microseconds=123_457)
    assert shell._nanoseconds(moment) == int(START.timestamp()) * 10**9 + 123_457_000
