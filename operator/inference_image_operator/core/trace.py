"""The spans of a run: what has ended when a status is written, as plain records. No I/O, no clock, no randomness.

A run is one trace: its own span, one for each attempt of a stage, and one for each container of the attempt. They are
sent as they end, each with the write of the status that says so. Their ids are hashes of the object's UID, the run, the
Job and the pod, so the spans of one run find each other although the operator keeps nothing about them, and although
it starts again in between.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import asdict

from inference_image_contract.reasons import Reason
from inference_image_operator.api import RunStatus, StageStatus, Status
from inference_image_operator.api.conditions import Type, cut, find
from inference_image_operator.api.names import digest
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core.ended import is_over
from inference_image_operator.observed import Container, Frozen, Job, Observed, Pod, end_of

Value = str | int | tuple[str, ...]


class Span(Frozen, frozen=True, kw_only=True):
    """One span. OpenTelemetry's names where it has them, `inferenceimage.` before the others."""

    trace_id: int
    """128 bits."""
    span_id: int
    """64 bits."""
    parent_id: int | None = None
    """None for the span of the run."""
    name: str
    start: datetime
    end: datetime
    """Not before `start`, whatever the clocks of the nodes say."""
    attributes: dict[str, Value]
    error: str = ""
    """The message of a failure; empty without one."""


class _Outcome(Frozen, frozen=True, kw_only=True):
    """How a run or an attempt has ended."""

    result: str
    reason: str = ""
    error: str = ""


_SUPERSEDED = _Outcome(result="superseded")


def ended(observed: Observed, after: Status, now: datetime) -> tuple[Span, ...]:
    """The spans that end with the write of the status `after`, which follows from `observed`."""
    before = observed.status
    spans: list[Span] = []
    if before.stage and before.run and before.run.start_time and is_over(before.stage, after):
        trace = _Trace(observed, before.run, before.run.start_time)
        if trace.run_id == _run_id(observed, after.run):
            spans += trace.attempt(before.stage, _of_attempt(before.stage, after), now)
        else:
            spans += trace.attempt(before.stage, _SUPERSEDED, now)
            spans.append(trace.run(before, _SUPERSEDED, now))
    if after.stage is None and after.run and after.run.start_time:
        trace = _Trace(observed, after.run, after.run.start_time)
        if before.stage or trace.run_id != _run_id(observed, before.run):
            spans.append(trace.run(after, _of_run(after), now))
    return tuple(spans)


def _run_id(observed: Observed, run: RunStatus | None) -> str:
    """Identifies the run; empty if it does not say when it began."""
    if run is None or run.start_time is None:
        return ""
    return digest("run", observed.uid, run.input_hash, run.generation, run.restart_count, rfc3339(run.start_time))


class _Trace:
    """The trace of one run."""

    def __init__(self, observed: Observed, run: RunStatus, start: datetime) -> None:
        self.run_id = _run_id(observed, run)
        self._observed = observed
        self._run = run
        self._start = start
        self._trace_id = _bits(self.run_id, 32)
        self._root_id = self._span_id("run")
        self._about: dict[str, Value] = {
            "k8s.namespace.name": observed.namespace,
            "inferenceimage.name": observed.name,
            "inferenceimage.uid": observed.uid,
        }

    def run(self, status: Status, outcome: _Outcome, now: datetime) -> Span:
        """The span of the whole run, with every wait."""
        checkpoint, built = status.checkpoint, status.built
        more: dict[str, Value | None] = {
            "inferenceimage.generation": self._run.generation,
            "inferenceimage.checkpoint.step": checkpoint.step if checkpoint else None,
            "inferenceimage.reused": _reused(status),
            "oci.manifest.digest": built.digest if built else None,
        }
        return self._span(self._root_id, None, "run", (self._start, now), more=more, outcome=outcome)

    def attempt(self, stage: StageStatus, outcome: _Outcome, now: datetime) -> Iterator[Span]:
        """The spans of an attempt and of its containers. An attempt that was only planned has none."""
        job = self._observed.claimed
        if job is None and not stage.job_uid and outcome.result != "failed":
            return
        pods = self._observed.pods or ()
        span_id = self._span_id(stage.job)
        start, end = _times(stage, job, pods, now)
        more: dict[str, Value | None] = {
            "inferenceimage.stage": stage.name.value,
            "inferenceimage.attempt": stage.attempt,
            "k8s.job.name": stage.job,
            "k8s.job.uid": job.uid if job else stage.job_uid,
        }
        yield self._span(span_id, self._root_id, stage.name.value, (start, end), more=more, outcome=outcome)
        for pod in pods:
            for container in pod.containers:
                if container.started_at:
                    yield self._container(span_id, stage, pod, container, (container.started_at, end))

    def _container(
        self, parent: int, stage: StageStatus, pod: Pod, container: Container, times: tuple[datetime, datetime]
    ) -> Span:
        """A container. A sidecar that still stops ends with its attempt; how it stops is no failure."""
        start, end = times
        if container.ended_at and container.ended_at >= start:
            end = container.ended_at
        more: dict[str, Value | None] = {
            "inferenceimage.stage": stage.name.value,
            "k8s.job.name": stage.job,
            "k8s.pod.name": pod.name,
            "k8s.pod.uid": pod.uid,
            "k8s.container.name": container.name,
            "k8s.container.restart_count": container.restarts,
            "process.exit.code": container.exit_code,
        }
        span_id, outcome = self._span_id(pod.uid, container.name), _of_container(container)
        return self._span(span_id, parent, container.name, (start, end), more=more, outcome=outcome)

    def _span(
        self,
        span_id: int,
        parent: int | None,
        name: str,
        times: tuple[datetime, datetime],
        *,
        more: dict[str, Value | None],
        outcome: _Outcome,
    ) -> Span:
        start, end = times
        said: dict[str, Value | None] = {
            "inferenceimage.result": outcome.result,
            "inferenceimage.reason": outcome.reason,
            "error.type": outcome.reason if outcome.error else None,
        }
        found = {**self._about, **more, **said}
        return Span(
            trace_id=self._trace_id,
            span_id=span_id,
            parent_id=parent,
            name=name,
            start=start,
            end=max(start, end),
            attributes={key: value for key, value in found.items() if value is not None and value not in ("", ())},
            error=cut(outcome.error),
        )

    def _span_id(self, *parts: str) -> int:
        return _bits(digest(self.run_id, *parts), 16)


def _reused(status: Status) -> tuple[str, ...]:
    """The stages that were not needed."""
    timings = asdict(status.timings) if status.timings else {}
    return tuple(stage.value for stage in Stage if timings.get(stage.lower()) == Reason.REUSED)


def _bits(hashed: str, digits: int) -> int:
    """The first hex digits of a `sha256:<hex>`."""
    return int(hashed.removeprefix("sha256:")[:digits], 16)


def _times(stage: StageStatus, job: Job | None, pods: tuple[Pod, ...], now: datetime) -> tuple[datetime, datetime]:
    """Start and end of an attempt."""
    start = job.started if job and job.started else stage.start_time
    return start, (end_of(job, pods) if job else None) or now


def _of_attempt(stage: StageStatus, after: Status) -> _Outcome:
    """What the status says about an attempt that is over."""
    condition, failure = find(after.conditions, stage.name.condition), after.last_failure
    if condition and condition.status == "True":
        return _Outcome(result="done", reason=condition.reason)
    if condition and _waits(stage, after):
        return _Outcome(result="waiting", reason=condition.reason)
    if failure and failure.job == stage.job:
        return _Outcome(result="failed", reason=failure.reason, error=failure.message or failure.reason)
    if condition and after.stage is None:
        return _Outcome(result="failed", reason=condition.reason, error=condition.message or condition.reason)
    return _SUPERSEDED


def _waits(stage: StageStatus, after: Status) -> bool:
    """Whether the attempt only found that its inputs are not there yet: archived, or not written by the training."""
    if after.stage is None:
        return after.run is not None and after.run.waiting_since is not None
    return after.stage.waits > stage.waits


def _of_run(after: Status) -> _Outcome:
    """What the status says about a run that has ended."""
    ready = find(after.conditions, Type.READY)
    if ready is None:
        return _Outcome(result="unknown")
    if ready.status == "True":
        return _Outcome(result="published", reason=ready.reason)
    if after.run and after.run.waiting_since:
        return _Outcome(result="waiting", reason=ready.reason)
    return _Outcome(result="stalled", reason=ready.reason, error=ready.message or ready.reason)


def _of_container(container: Container) -> _Outcome:
    """How a container has ended, in the kubelet's words. Its report is the stage's matter."""
    if container.sidecar or container.exit_code is None:
        return _Outcome(result="")
    if not container.exit_code:
        return _Outcome(result="done")
    reason = container.ended or "Error"
    return _Outcome(result="failed", reason=reason, error=f"{reason}, exit code {container.exit_code}")
