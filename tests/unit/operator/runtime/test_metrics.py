"""The metrics follow what the statuses say, and name nobody's objects."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from devcluster.lib import ports
from inference_image_contract import results
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.observed import Container
from inference_image_operator.runtime.health import Health
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.queue import Queue
from tests.support.world import World, report

Read = Callable[..., float | None]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def read(metrics: Metrics) -> Read:
    """The value of a sample; None if there is none."""
    return lambda name, **labels: metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def world(metrics: Metrics) -> World:
    """A world whose reconciles are measured."""
    world = World()
    step = world.step

    def measured():
        before = world.observed()
        decision = step()
        metrics.decided(before, decision.status, world.now)
        return decision

    world.step = measured
    return world


def test_a_published_run(world, read):
    world.run_whole()
    assert read("inferenceimage_runs_total", result="published", reason="Published") == 1
    assert read("inferenceimage_run_duration_seconds_count", result="published") == 1
    assert read("inferenceimage_last_published_timestamp_seconds") == world.now.timestamp()
    for stage in Stage:
        assert read("inferenceimage_stage_duration_seconds_count", stage=stage.value, result="done") == 1
    assert read("inferenceimage_stage_duration_seconds_sum", stage="Export", result="done") == 10
    world.settle()
    assert read("inferenceimage_runs_total", result="published", reason="Published") == 1


def test_stages_whose_jobs_do_not_say_yet_that_they_have_ended(world, read):
    """The kubelet says so first: the durations are those of the pods."""
    world.settle()
    while world.status.stage:
        world.end_pod()
        world.settle()
    for stage in Stage:
        assert read("inferenceimage_stage_duration_seconds_sum", stage=stage.value, result="done") == 10


def test_a_run_that_supersedes_another_counts_from_its_own_start(world, read):
    world.run_to(Stage.EXPORT)
    world.advance(hours=1)
    world.spec["model"]["checkpoint"]["step"] = 900
    world.generation += 1
    world.settle()
    world.remove_terminating()
    world.run_whole()
    assert read("inferenceimage_run_duration_seconds_count", result="published") == 1
    assert read("inferenceimage_run_duration_seconds_sum", result="published") < 3600


def test_a_failure_that_is_retried_and_one_that_stalls(world, read):
    world.run_to(Stage.EXPORT)
    world.fail(failure(Reason.UFILE_UNAVAILABLE))
    world.settle()
    assert read("inferenceimage_stage_failures_total", stage="Export", reason="UFileUnavailable") == 1
    assert read("inferenceimage_stage_duration_seconds_count", stage="Export", result="failed") == 1
    assert read("inferenceimage_runs_total", result="stalled", reason="UFileUnavailable") is None
    world.advance(minutes=10)
    world.settle()
    world.fail(failure(Reason.GRAPH_INVALID))
    world.settle()
    assert read("inferenceimage_runs_total", result="stalled", reason="GraphInvalid") == 1
    assert read("inferenceimage_run_duration_seconds_sum", result="stalled") >= 600


def failure(reason: Reason) -> Container:
    failed = results.Failed(reason=reason, message="A message.", hint="A hint.")
    return report("export", results.encode(failed), reason.exit_code, "Error")


def test_a_spec_that_the_installation_refuses(world, read):
    world.spec["export"] = {"resources": {"limits": {"memory": "1Ti"}}}
    world.settle()
    assert read("inferenceimage_runs_total", result="stalled", reason="ResourcesTooLarge") == 1


KEYS = ("first", "second")


class Told:
    """The meter of a queue, which ends the queue's run after two reconciles."""

    def __init__(self) -> None:
        self.waits: list[tuple[float, int]] = []
        self.results: list[str] = []
        self.task: asyncio.Task[None] | None = None

    def waited(self, seconds: float, left: int) -> None:
        self.waits.append((seconds, left))

    def reconciled(self, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.results.append(result)
        if len(self.results) == len(KEYS):
            self.task.cancel()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "done"),
        (ApiError(409, "Conflict", ""), "conflict"),
        (ApiError(0, "NoAnswer", ""), "error"),
        (ValueError("a defect"), "error"),
    ],
)
async def test_how_a_reconcile_ends(error, result):
    async def work(_: str) -> None:
        if error:
            raise error

    told = Told()
    queue = Queue(work, 1, meter=told)
    for key in KEYS:
        queue.add(key)
    told.task = asyncio.create_task(queue.run())
    await asyncio.gather(told.task, return_exceptions=True)
    assert told.results == [result, result]
    assert [left for _, left in told.waits] == [1, 0]


async def test_what_prometheus_reads(metrics):
    metrics.requested("GET", 200)
    metrics.seen({"True": 2})
    port = ports.reserve(1)[0]
    runner = await Health().serve(port, metrics.text)
    try:
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await answer.text()
    finally:
        await runner.cleanup()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name for name in families if not name.startswith(("inferenceimage_", "process_", "python_"))} == set()
    ready = {sample.labels["ready"]: sample.value for sample in families["inferenceimage_objects"].samples}
    assert ready == {"True": 2, "False": 0, "Unknown": 0}
