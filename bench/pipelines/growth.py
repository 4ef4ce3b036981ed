"""What one pipeline costs when ten times as many run at once: it must not grow with their number."""

from bench import harness
from bench.harness import Figure
from bench.pipelines.profile import profiled
from bench.pipelines.scale import Cost, measure
from bench.pipelines.stack import Stack, stack
from bench.usage import usage

COMMAND = "make bench-growth"
AIM = "1.1 or less"


def main(few: int, many: int, *, profile: bool = False) -> None:
    """`few` pipelines at once, then `many` in another namespace of the same control plane."""
    load = harness.load()
    with stack() as found:
        (one, api_of_one), (other, api_of_other) = (_measure(found, count, profile=profile) for count in (few, many))
    figures = [
        _each("CPU of the operator", other.cpu_seconds / many, one.cpu_seconds / few, AIM),
        _each("CPU of the API server", api_of_other / many, api_of_one / few, AIM),
        _each("time until all are Ready", other.run.total / many, one.run.total / few, AIM),
        Figure("writes", "", other.writes.total() / many, one.writes.total() / few),
        Figure("resident memory of the operator at its peak", "MiB", _peak(other), _peak(one)),
    ]
    harness.report("growth", figures, COMMAND, f"{many} at once, the baseline {few}; load {load:.1f} before.")


def _each(name: str, ours: float, baseline: float, aim: str) -> Figure:
    return Figure(f"{name}, a pipeline", "ms", 1000 * ours, 1000 * baseline, aim)


def _peak(cost: Cost) -> float:
    return cost.usage.peak_bytes / 2**20


def _measure(found: Stack, count: int, *, profile: bool) -> tuple[Cost, float]:
    """The operator's cost, and the seconds of the API server's CPU meanwhile."""
    pid = found.control_plane.programs["kube-apiserver"].pid
    before = usage(pid).cpu_seconds
    with profiled(found.control_plane, f"{count}-at-once", wanted=profile):
        cost = measure(found, count)
    return cost, usage(pid).cpu_seconds - before
