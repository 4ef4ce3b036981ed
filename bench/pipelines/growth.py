"""What one pipeline costs when ten times as many run at once: it must not grow with their number.

What it costs by the script tells how much the API server, the Job controller and KWOK have of that.
"""

from collections.abc import Callable
from typing import TypeVar

from bench import harness
from bench.harness import Figure
from bench.pipelines.profile import profiled
from bench.pipelines.scale import Cost, measure, plain
from bench.pipelines.stack import Stack, stack
from bench.usage import usage

COMMAND = "make bench-growth"
AIM = "1.1 or less"

T = TypeVar("T")


def main(few: int, many: int, *, profile: bool = False) -> None:
    """`few` pipelines at once, then `many` in another namespace of the same control plane."""
    load = harness.load()
    with stack() as found:
        (one, api_of_one), (other, api_of_other) = (
            _with_api(found, measure, count, profile=profile) for count in (few, many)
        )
    figures = [
        _each("CPU of the operator", other.cpu_seconds / many, one.cpu_seconds / few, AIM),
        _each("CPU of the API server", api_of_other / many, api_of_one / few, AIM),
        _each("time until all are Ready", other.run.total / many, one.run.total / few, AIM),
        Figure("writes", "", other.writes.total() / many, one.writes.total() / few),
        Figure("resident memory of the operator at its peak", "MiB", _peak(other), _peak(one)),
    ]
    harness.report("growth", figures, COMMAND, f"{many} at once, the baseline {few}; load {load:.1f} before.")


def by_the_script(few: int, many: int, *, profile: bool = False) -> None:
    """The same by the script."""
    load = harness.load()
    with stack() as found:
        (one, api_of_one), (other, api_of_other) = (
            _with_api(found, plain, count, profile=profile) for count in (few, many)
        )
    figures = [
        _each("CPU of the API server", api_of_other / many, api_of_one / few),
        _each("time until all are complete", other.total / many, one.total / few),
    ]
    setting = f"{many} at once, the baseline {few}; load {load:.1f} before."
    harness.report("growth-script", figures, f"{COMMAND} GROWTH=--script", setting)


def _each(name: str, ours: float, baseline: float, aim: str = "") -> Figure:
    return Figure(f"{name}, a pipeline", "ms", 1000 * ours, 1000 * baseline, aim)


def _peak(cost: Cost) -> float:
    return cost.usage.peak_bytes / 2**20


def _with_api(
    found: Stack,
    measured: Callable[[Stack, int], T],
    count: int,
    *,
    profile: bool,
) -> tuple[T, float]:
    """What is measured, and the seconds of the API server's CPU meanwhile."""
    pid = found.control_plane.programs["kube-apiserver"].pid
    before = usage(pid).cpu_seconds
    with profiled(found.control_plane, f"{count}-at-once", wanted=profile):
        cost = measured(found, count)
    return cost, usage(pid).cpu_seconds - before
