"""Many pipelines at once: the operator compared with the script and with Argo Workflows, and its cost per stage."""

import asyncio
import statistics
from collections import Counter
from dataclasses import dataclass

from bench import harness
from bench.harness import Figure, percentile
from bench.pipelines import argo
from bench.pipelines.client import Client
from bench.pipelines.plain import Script
from bench.pipelines.profile import profiled
from bench.pipelines.stack import Namespace, Stack, follow, stack
from bench.pipelines.timing import Run
from bench.usage import Usage
from inference_image_operator.api.stages import Stage

COMMAND = "make bench-scale"
EVENTS = "create events"


@dataclass(frozen=True)
class Cost:
    """The cost of one run of pipelines for the process that drives them."""

    run: Run
    cpu_seconds: float
    usage: Usage
    writes: Counter[str]


def main(count: int, *, with_argo: bool = True, profile: bool = False) -> None:
    """`count` pipelines at once."""
    load = harness.load()
    with stack() as found:
        with profiled(found.control_plane, "script", wanted=profile):
            script = plain(found, count)
        with profiled(found.control_plane, "operator", wanted=profile):
            operator = measure(found, count)
        figures = _figures(count, operator, script)
        if with_argo:
            figures += _beside_argo(count, operator, argo.run(found, count))
    harness.report("scale", figures, COMMAND, f"{count} at once; load {load:.1f} before.")


def _names(count: int) -> list[str]:
    return [f"image-{number}" for number in range(count)]


def plain(found: Stack, count: int) -> Run:
    """This many pipelines at once by the script, in a new namespace."""
    namespace = found.namespace("script")

    async def work() -> Run:
        async with Client(found.control_plane, namespace.token) as client:
            return await Script(client, namespace.name).run(_names(count))

    run = asyncio.run(work())
    print(f"script: {count} pipelines in {run.total:.1f} s", flush=True)
    return run


def measure(found: Stack, count: int) -> Cost:
    """The cost of this many pipelines at once for a new operator, in a new namespace."""
    namespace = found.namespace("ours")
    with namespace.operator() as operator:
        writes, before = namespace.writes(), operator.usage
        run = asyncio.run(_follow(namespace, _names(count)))
        after = operator.usage
        cost = Cost(run, after.cpu_seconds - before.cpu_seconds, after, writes.count())
    print(f"operator: {count} pipelines in {run.total:.1f} s, {cost.cpu_seconds:.1f} s of CPU", flush=True)
    print(f"its writes: {dict(cost.writes)}", flush=True)
    return cost


async def _follow(namespace: Namespace, names: list[str]) -> Run:
    async with Client(namespace.stack.control_plane) as client:
        return await follow(client, namespace, names)


def _figures(count: int, cost: Cost, script: Run) -> list[Figure]:
    stages = count * len(Stage)
    times, base = cost.run.durations, script.durations
    events = cost.writes[EVENTS] / stages
    middle, late = statistics.median(times), percentile(times, 0.99)
    return [
        Figure(
            f"{count} InferenceImages at once, until all are Ready", "s", cost.run.total, script.total, "1.5 or less"
        ),
        Figure("time to Ready, median", "s", middle, statistics.median(base)),
        Figure("time to Ready, p99", "s", late, percentile(base, 0.99)),
        Figure("time to Ready, p99 over median", "ratio", late / middle, aim="2 or less"),
        Figure("writes per stage, Events apart", "", cost.writes.total() / stages - events, aim="3.5 or less"),
        Figure("Events per stage", "", events, aim="1.5 or less"),
    ]


def _beside_argo(count: int, cost: Cost, workflows: argo.Cost) -> list[Figure]:
    stages = count * len(Stage)
    return [
        Figure(
            "CPU per stage; baseline: Argo Workflows 3.7.0, per step",
            "ms",
            1000 * cost.cpu_seconds / stages,
            1000 * workflows.cpu_seconds / stages,
            "ratio 1 or less",
        ),
        Figure("the same, until all are done; baseline: Argo Workflows", "s", cost.run.total, workflows.total),
        Figure(
            "resident memory at its peak; baseline: Argo Workflows",
            "MiB",
            cost.usage.peak_bytes / 2**20,
            workflows.peak_bytes / 2**20,
        ),
    ]
