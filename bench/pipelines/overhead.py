"""The operator's overhead for one pipeline: time to Ready compared with a script that creates the same Jobs."""

import asyncio
import statistics

from bench import harness
from bench.harness import Figure
from bench.pipelines.client import Client
from bench.pipelines.plain import Script
from bench.pipelines.stack import Namespace, follow, stack
from inference_image_operator.api.stages import Stage

COMMAND = "make bench-overhead"


def main(rounds: int) -> None:
    """Runs both in turn, `rounds` times after one warm-up round."""
    with stack() as found:
        ours, script = found.namespace("ours"), found.namespace("script")
        with ours.operator():
            load = harness.load()
            pairs = asyncio.run(_measure(ours, script, rounds))
    mine, base = statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
    ratio = statistics.median(a / b for a, b in pairs)
    figures = [
        Figure(f"time to Ready of one pipeline of {len(Stage)} Jobs, median", "s", mine, base),
        Figure("the same, median of the rounds' ratios", "ratio", ratio, 1, "1.05 or less"),
        Figure("the same, per stage, added by the operator", "ms", 1000 * (mine - base) / len(Stage)),
    ]
    harness.report(
        "overhead", figures, COMMAND, f"{rounds} rounds, operator and script in turn; load {load:.1f} before."
    )


async def _measure(ours: Namespace, script: Namespace, rounds: int) -> list[tuple[float, float]]:
    plane = ours.stack.control_plane
    pairs = []
    async with Client(plane) as administrator, Client(plane, script.token) as client:
        plain = Script(client, script.name)
        for number in range(rounds + 1):
            theirs = await plain.run([f"run-{number}"])
            mine = await follow(administrator, ours, [f"run-{number}"])
            print(f"round {number}: operator {mine.total:.2f} s, script {theirs.total:.2f} s", flush=True)
            pairs.append((mine.total, theirs.total))
    return pairs[1:]
