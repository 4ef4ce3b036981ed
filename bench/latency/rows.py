"""The timeline of a run, as rows: pure functions of what a `Recording` saw.

Kubernetes writes times in whole seconds. So a moment is when the watch brought it to this process, on the same machine,
and a step's own time is from the last line of its log.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from inference_image_contract.clock import Took
from inference_image_operator.api.steps import SIDECARS


class Kind(StrEnum):
    """What the time of a row goes into. Where rows overlap, the first of these counts."""

    WORK = "work"
    IMPORTS = "imports"
    INTERPRETER = "interpreter"
    PULLING = "pulling"
    CONTAINER_START = "container start"
    SCHEDULING = "scheduling"
    REPORTING = "reporting"


@dataclass(frozen=True)
class Row:
    """One bar. Times are in seconds since the epoch."""

    name: str
    """The stage, and the container or the Job."""
    what: str
    start: float
    end: float
    kind: Kind

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Container:
    """What is known of one container."""

    name: str
    events: dict[str, float] = field(default_factory=dict)
    """The kubelet's first Event of each reason, such as `Pulled`."""
    took: Took | None = None
    said: float = 0.0
    """When it wrote the line that says so."""
    finished: float = 0.0
    """When it ended, as the kubelet says, rounded down to whole seconds."""
    told: float = 0.0
    """When the pod's status first had its end."""


@dataclass
class Pod:
    """What is known of the pod of a stage, and its containers in the order in which they start."""

    stage: str
    job: float
    """When its Job was there."""
    created: float
    scheduled: float
    done: float
    """When its status said that it has succeeded, or only has to stop its sidecars."""
    succeeded: float
    containers: list[Container]


@dataclass(frozen=True)
class Timeline:
    """One run, or its floor."""

    rows: list[Row]
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def shares(self) -> dict[Kind, float]:
        """Seconds of each kind, which sum up to all of the time: what no row covers is reporting."""
        inside = {moment for row in self.rows for moment in (row.start, row.end) if self.start < moment < self.end}
        moments = sorted({self.start, self.end} | inside)
        found = dict.fromkeys(Kind, 0.0)
        for begin, until in pairwise(moments):
            there = {row.kind for row in self.rows if row.start <= begin and row.end >= until}
            found[next((kind for kind in Kind if kind in there), Kind.REPORTING)] += until - begin
        return found


def timeline(pods: Sequence[Pod], start: float, end: float, creator: str) -> Timeline:
    """The rows of a run. `creator` is who makes the next Job when a pod is done."""
    found: list[Row] = []
    before = start
    for pod in pods:
        found.append(Row(f"{pod.stage}: Job", f"{creator} creates it", before, pod.job, Kind.REPORTING))
        found += of_pod(pod)
        before = pod.done
    found.append(Row("Ready", f"{creator} notices the end", pods[-1].succeeded, end, Kind.REPORTING))
    return Timeline([row for row in found if row.end > row.start], start, end)


def of_pod(pod: Pod) -> Iterator[Row]:
    """The rows of one pod, its Job before it."""
    job = f"{pod.stage}: Job"
    yield Row(job, "its controller creates the pod", pod.job, pod.created, Kind.SCHEDULING)
    yield Row(job, "the scheduler binds it", pod.created, pod.scheduled, Kind.SCHEDULING)
    before, what, kind, name = pod.scheduled, "volumes and sandbox", Kind.CONTAINER_START, job
    for container in pod.containers:
        first = min(container.events[reason] for reason in ("Pulling", "Pulled") if reason in container.events)
        yield Row(name, what, before, first, kind)
        name, pulled = f"{pod.stage}: {container.name}", container.events["Pulled"]
        yield Row(name, "pull", first, pulled, Kind.PULLING)
        process = _process(name, container, pod)
        yield Row(name, "create and start", pulled, process[0].start, Kind.CONTAINER_START)
        yield from process
        beside = container.name in SIDECARS
        before = process[0].start if beside else process[-1].end
        what, kind = f"the kubelet notices its {'start' if beside else 'end'}", Kind.REPORTING
    told = min(max(before, pod.containers[-1].told), pod.succeeded)
    yield Row(name, what, before, told, kind)
    yield Row(name, "the kubelet ends the pod", told, pod.succeeded, Kind.REPORTING)


def _process(name: str, container: Container, pod: Pod) -> list[Row]:
    """The rows of a container's process.

    The kernel's start of a process is when the runtime makes the container. Its program starts after the Event
    `Created`.
    """
    if container.took is None:
        start = container.events["Started"]
        end = _last_said(pod) if container.name in SIDECARS else container.finished
        return [Row(name, "its program", start, max(start, end), Kind.WORK)]
    took, end = container.took, container.said
    imported, loaded = end - took.work, end - took.work - took.imports
    start = min(loaded, max(container.events["Created"], loaded - took.interpreter))
    return [
        Row(name, "interpreter", start, loaded, Kind.INTERPRETER),
        Row(name, "imports", loaded, imported, Kind.IMPORTS),
        Row(name, "its work", imported, end, Kind.WORK),
    ]


def _last_said(pod: Pod) -> float:
    """When the last step of a pod ended. A sidecar is not needed after it."""
    return max(container.said for container in pod.containers if container.name not in SIDECARS)


def largest(rows: Iterable[Row]) -> list[Row]:
    """The rows that are not work, the largest first."""
    return sorted((row for row in rows if row.kind is not Kind.WORK), key=lambda row: -row.seconds)
