"""Traces of whole runs on a real control plane, and runs without their receiver."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devcluster.lib import ports
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.runtime.traces import TIMEOUT
from tests.loop.api import container_status
from tests.loop.conftest import Operator
from tests.loop.pipeline import Pipeline
from tests.support.otlp import Received, Receiver, receiving
from tests.support.world import DIGEST, RESULTS

Traced = Callable[[str], Operator]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def traced(plane, api, namespace: str, tmp_path: Path) -> Iterator[Traced]:
    """Starts an operator that sends traces to an endpoint."""
    started = []

    def start(endpoint: str) -> Operator:
        started.append(Operator(plane, api, namespace, tmp_path, traces={"endpoint": endpoint}).start())
        return started[-1]

    yield start
    for operator in started:
        if operator.running:
            operator.kill()


def finish(pipeline: Pipeline, api, stage: Stage) -> datetime:
    """The stage's pod succeeds, with the times of its containers as a kubelet says them. Returns their end."""
    pod = pipeline.pod(pipeline.claimed(stage))
    started, ended = (
        datetime.fromisoformat(pod["metadata"]["creationTimestamp"]),
        datetime.now(UTC).replace(microsecond=0),
    )
    times = {"startedAt": f"{started:%FT%TZ}", "finishedAt": f"{ended:%FT%TZ}"}
    terminated = {"exitCode": 0, "message": results.encode(RESULTS[stage]).decode()} | times
    statuses = [container_status(one["name"], {"terminated": terminated}) for one in pod["spec"]["containers"]]
    path = f"/api/v1/namespaces/{pipeline.namespace}/pods/{pod['metadata']['name']}/status"
    api.merge(path, {"status": {"phase": "Succeeded", "containerStatuses": statuses}})
    return ended


def of_runs(receiver: Receiver, count: int, pipeline: Pipeline) -> list[list[Received]]:
    """The spans of so many ended runs."""

    def find() -> list[list[Received]] | None:
        found = [spans for spans in receiver.traces.values() if any(span.name == "run" for span in spans)]
        return found if len(found) == count else None

    return pipeline.until(f"{count} runs are traced", find, 120)


def test_a_whole_run_is_one_trace_across_a_restart(api, namespace, receiver, traced):
    operator = traced(receiver.endpoint)
    pipeline = Pipeline(api, namespace, operator)
    before = datetime.now(UTC).replace(microsecond=0)
    pipeline.apply()
    for stage in (Stage.RESOLVE, Stage.EXPORT):
        finish(pipeline, api, stage)
    pipeline.claimed(Stage.BUILD)
    assert operator.stop() == 0
    assert [span.name for span in receiver.spans if span.name in [*Stage]] == ["Resolve", "Export"], "sent at the end"
    operator.start()
    for stage in (Stage.BUILD, Stage.TEST, Stage.PUBLISH):
        finish(pipeline, api, stage)
    pipeline.until_condition("Ready", "True", "Published")
    (spans,) = of_runs(receiver, 1, pipeline)
    (run,) = (span for span in spans if span.name == "run")
    stages = [span for span in receiver.spans if span.parent == run.id]
    assert [span.name for span in stages] == [*Stage]
    assert [span.start for span in stages] == sorted(span.start for span in stages)
    jobs = {job["metadata"]["uid"]: job["metadata"]["name"] for job in pipeline.jobs}
    for span in stages:
        assert jobs[span.attributes["k8s.job.uid"]] == span.attributes["k8s.job.name"]
        assert before.timestamp() <= span.start <= span.end <= run.end
        (container,) = (one for one in receiver.spans if one.parent == span.id and one.name == MAIN[Stage(span.name)])
        assert span.start <= container.start <= container.end <= run.end
        assert container.attributes["k8s.container.name"] == container.name
    assert before.timestamp() <= run.start <= stages[0].start
    assert run.attributes["oci.manifest.digest"] == DIGEST
    assert run.attributes["k8s.namespace.name"] == namespace
    assert run.attributes["inferenceimage.result"] == "published"
    assert not any(span.failed for span in spans)
    assert len({span.id for span in receiver.spans}) == len(receiver.spans), "nothing is sent twice"


def test_neither_a_restart_nor_a_resync_sends_a_run_again(api, namespace, receiver, traced):
    operator = traced(receiver.endpoint)
    first, second = (Pipeline(api, namespace, operator, name) for name in ("first", "second"))
    first.apply()
    first.run_whole()
    of_runs(receiver, 1, first)
    operator.stop()
    operator.start()
    second.apply()  # resyncs of the settled object go on meanwhile
    second.run_whole()
    of_runs(receiver, 2, second)
    assert operator.stop() == 0
    assert len({span.id for span in receiver.spans}) == len(receiver.spans)


def test_a_failed_stage_is_an_error(api, namespace, receiver, traced):
    pipeline = Pipeline(api, namespace, traced(receiver.endpoint))
    pipeline.apply()
    failed = results.Failed(reason="ClassCountMismatch", message="3 classes, not 90.", hint="What to do.")
    pipeline.fail(Stage.RESOLVE, ExitCode.BAD_INPUT, results.encode(failed).decode())
    (spans,) = of_runs(receiver, 1, pipeline)
    assert {span.name: (span.failed, span.attributes.get("error.type")) for span in spans} == {
        "Resolve": (True, "ClassCountMismatch"),
        "run": (True, "ClassCountMismatch"),
    }
    assert next(span.message for span in spans if span.name == "Resolve") == "3 classes, not 90."


@pytest.mark.parametrize("listens", [False, True], ids=["absent", "silent"])
def test_a_receiver_that_takes_nothing_holds_up_neither_runs_nor_the_end(api, namespace, traced, listens):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if listens else ports.reserve(1)[0]
        operator = traced(f"http://127.0.0.1:{port}")
        pipeline = Pipeline(api, namespace, operator)
        pipeline.apply()
        pipeline.run_whole()
        pipeline.until("the log names the receiver", lambda: f"traces to http://127.0.0.1:{port}" in operator.log)
        seconds = operator.metrics['inferenceimage_reconcile_duration_seconds_sum{result="done"}']
        assert seconds < 5 * TIMEOUT, "six statuses with spans were written, and no write waited for the receiver"
        assert operator.stop() == 0
        assert operator.log.count("traces to") == 1
        assert "Traceback" not in operator.log
