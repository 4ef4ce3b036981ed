"""Thousands of finished InferenceImages: the cost of a resync and of a restart without work."""

import asyncio
import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench import harness
from bench.harness import Figure
from bench.pipelines.client import Client, Object
from bench.pipelines.stack import Namespace, Operator, Stack, follow, image, stack
from inference_image_operator.runtime.app import RESYNC
from tests.loop.api import wait_for

COMMAND = "make bench-finished"
PERIOD = 60.0
"""Seconds between resyncs here, short enough to observe several."""
DEFAULT = 600.0
"""Seconds between resyncs by default."""
RESYNCS = 4
QUIET = 0.05
"""Share of a core below which the operator counts as idle, over `WINDOW` seconds."""
WINDOW = 3.0


@dataclass(frozen=True)
class Rest:
    """The operator's cost over several resyncs without work."""

    idle: float
    """Share of a core between two resyncs."""
    resync: float
    """Additional CPU seconds of one resync."""
    memory: list[int]
    """Resident bytes after each resync."""
    writes: int


def main(count: int) -> None:
    """An operator beside `count` finished InferenceImages."""
    load = harness.load()
    with stack() as found:
        figures = _measure(found, count)
    harness.report("finished", figures, COMMAND, f"{count} finished InferenceImages; load {load:.1f} before.")


def _measure(found: Stack, count: int) -> list[Figure]:
    """Creates the objects with the status of a finished one, then measures the idle operator."""
    namespace = found.namespace("finished")
    with namespace.operator() as operator:
        finished = asyncio.run(_one(namespace))
    asyncio.run(_fill(namespace, finished, count))
    print(f"{count} finished objects exist", flush=True)
    writes = namespace.writes()
    with namespace.operator(resync=f"{PERIOD:.0f}s") as operator:
        started = _quiet(operator)
        startup_cpu = operator.usage.cpu_seconds
        startup_writes = writes.count().total()
        print(f"idle {started:.1f} s after the start", flush=True)
        rest = _rest(namespace, operator)
        text = operator.process.log
    if RESYNC % (count + 1, 0) not in text:
        raise RuntimeError(f"no resync over all objects in the log:\n{text[-3000:]}")
    mebibytes = [size / 2**20 for size in rest.memory]
    print(f"resident after each resync: {', '.join(f'{size:.1f}' for size in mebibytes)} MiB", flush=True)
    return [
        Figure(f"restart with {count} finished objects, until quiet", "s", started, aim="60 or less"),
        Figure("the same, CPU", "s", startup_cpu),
        Figure("the same, writes", "", startup_writes, aim="0"),
        Figure(f"{RESYNCS} resyncs over {count} finished objects, writes", "", rest.writes, aim="0"),
        Figure("the same, CPU of one resync", "s", rest.resync),
        Figure("the same, CPU between resyncs", "% of a core", 100 * rest.idle),
        Figure(
            f"the same, CPU at the default of one resync in {DEFAULT:.0f} s",
            "% of a core",
            100 * (rest.idle + rest.resync / DEFAULT),
            aim="1 or less",
        ),
        Figure("the same, resident memory after the first resync", "MiB", mebibytes[0]),
        Figure("the same, resident memory after the last resync", "MiB", mebibytes[-1], mebibytes[0], "flat"),
    ]


async def _one(namespace: Namespace) -> Object:
    async with Client(namespace.stack.control_plane) as client:
        await follow(client, namespace, ["model"])
        return await client.get(f"{namespace.path}/model")


async def _fill(namespace: Namespace, finished: Object, count: int) -> None:
    """Writes the objects, then their statuses, as administrator."""

    def bodies() -> Iterator[Object]:
        for number in range(count):
            yield image(f"image-{number}", finished["spec"])

    async with Client(namespace.stack.control_plane) as client:
        await client.create_all(namespace.path, bodies())
        gate = iter(range(count))

        async def worker() -> None:
            for number in gate:
                path = f"{namespace.path}/image-{number}/status"
                body = copy.deepcopy({"status": finished["status"]})
                await client.request("PATCH", path, body, "application/merge-patch+json")

        await asyncio.gather(*(worker() for _ in range(20)))


def _quiet(operator: Operator) -> float:
    """Seconds from the process's start to the beginning of the first idle window.

    Raises AssertionError when it is not idle within five minutes.
    """
    samples = [(time.monotonic(), operator.usage.cpu_seconds)]

    def rests() -> float | None:
        now, cpu = time.monotonic(), operator.usage.cpu_seconds
        samples.append((now, cpu))
        for then, before in reversed(samples):
            if now - then >= WINDOW:
                return then if cpu - before < QUIET * (now - then) else None
        return None

    began = wait_for("the operator is idle", rests, lambda: operator.process.log[-3000:], 300)
    return began - operator.process.since


def _rest(namespace: Namespace, operator: Operator) -> Rest:
    """From one resync to the end of the last of `RESYNCS` more."""
    wait_for("a resync", lambda: _resyncs(operator) >= 1, seconds=2 * PERIOD)
    counter, since, cpu = namespace.writes(), time.monotonic(), operator.usage.cpu_seconds
    memory: list[int] = []
    done = _resyncs(operator)

    def another() -> bool:
        return _resyncs(operator) > done + len(memory)

    idle_cpu = idle_time = 0.0
    while len(memory) < RESYNCS:
        wait_for("another resync", another, seconds=2 * PERIOD)
        memory.append(operator.usage.resident_bytes)
        begun, before = time.monotonic(), operator.usage.cpu_seconds
        time.sleep(PERIOD / 2)
        idle_cpu += operator.usage.cpu_seconds - before
        idle_time += time.monotonic() - begun
    spent, took = operator.usage.cpu_seconds - cpu, time.monotonic() - since
    idle = idle_cpu / idle_time
    return Rest(idle, (spent - idle * took) / RESYNCS, memory, counter.count().total())


def _resyncs(operator: Operator) -> int:
    return operator.process.log.count(RESYNC.partition("%")[0])
