"""The operator's metrics, in the text format of Prometheus.

No label names an object, a namespace or a key, so the number of series is bounded, and who may read the metrics learns
of nobody's models. docs/operations/metrics.md explains each.
"""

import platform
from collections.abc import Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from inference_image_contract import __version__
from inference_image_contract.reasons import Reason
from inference_image_operator.api import LastFailure, StageStatus, Status
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.core.ended import is_over
from inference_image_operator.observed import Job, Observed, Pod, end_of

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG = (2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
"""Upper bounds in seconds: of requests to the API server, and of Jobs."""


class Metrics:
    """Counts what the operator does. It lives as long as the process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        build = Gauge(
            "inferenceimage_build_info", "1, with the versions as labels", ("version", "python"), registry=registry
        )
        build.labels(__version__, platform.python_version()).set(1)
        self._runs = Counter("inferenceimage_runs", "Ended runs", ("result", "reason"), registry=registry)
        self._run_seconds = Histogram(
            "inferenceimage_run_duration_seconds",
            "From the start of a run to its end, with every wait",
            ("result",),
            buckets=_LONG,
            registry=registry,
        )
        self._published = Gauge(
            "inferenceimage_last_published_timestamp_seconds", "Time of the newest publication", registry=registry
        )
        self._stage_seconds = Histogram(
            "inferenceimage_stage_duration_seconds",
            "From the start of a stage's Job to its end",
            ("stage", "result"),
            buckets=_LONG,
            registry=registry,
        )
        self._failures = Counter(
            "inferenceimage_stage_failures", "Failed attempts of stages", ("stage", "reason"), registry=registry
        )
        self._objects = Gauge(
            "inferenceimage_objects",
            "InferenceImages at the last resync, by the status of Ready",
            ("ready",),
            registry=registry,
        )
        self._reconcile_seconds = Histogram(
            "inferenceimage_reconcile_duration_seconds",
            "Reconciles of one object",
            ("result",),
            buckets=_SHORT,
            registry=registry,
        )
        self._wait_seconds = Histogram(
            "inferenceimage_queue_wait_seconds",
            "From the time at which a reconcile is due to its start",
            buckets=_SHORT,
            registry=registry,
        )
        self._queue = Gauge("inferenceimage_queue_length", "Objects whose reconcile is due", registry=registry)
        self._requests = Counter(
            "inferenceimage_api_requests",
            "Requests to the API server, without those of kopf; code 0 without an answer",
            ("method", "code"),
            registry=registry,
        )

    def text(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self.registry)

    def requested(self, method: str, code: int) -> None:
        """The API server has answered a request; `code` is 0 without an answer."""
        self._requests.labels(method, code).inc()

    def reconciled(self, result: str, seconds: float) -> None:
        """A reconcile has ended, with `done`, `conflict` or `error`."""
        self._reconcile_seconds.labels(result).observe(seconds)

    def waited(self, seconds: float, left: int) -> None:
        """A reconcile starts `seconds` after it was due; `left` others are due."""
        self._wait_seconds.observe(seconds)
        self._queue.set(left)

    def seen(self, counts: Mapping[str, int]) -> None:
        """How many objects have which status of Ready."""
        for status in ("True", "False", "Unknown"):
            self._objects.labels(status).set(counts.get(status, 0))

    def decided(self, observed: Observed, after: Status, now: datetime) -> None:
        """A reconcile has written the status `after`."""
        before = observed.status
        failure = after.last_failure if after.last_failure != before.last_failure else None
        if failure:
            self._failures.labels(failure.stage, Reason.of(failure.reason)).inc()
        if before.stage and observed.claimed and is_over(before.stage, after):
            self._stage(before.stage, observed.claimed, observed.pods or (), failure)
        if after.stage is None and (before.stage or before.run != after.run):
            self._run(after, now)

    def _stage(self, stage: StageStatus, job: Job, pods: tuple[Pod, ...], failure: LastFailure | None) -> None:
        ended = end_of(job, pods)
        if job.started and ended:
            seconds = (ended - job.started).total_seconds()
            self._stage_seconds.labels(stage.name, "failed" if failure else "done").observe(seconds)

    def _run(self, after: Status, now: datetime) -> None:
        ready = find(after.conditions, Type.READY)
        if ready is None or ready.status == "Unknown":
            return
        result = "published" if ready.status == "True" else "stalled"
        self._runs.labels(result, Reason.of(ready.reason)).inc()
        if result == "published":
            self._published.set(now.timestamp())
        if after.run and after.run.start_time:
            self._run_seconds.labels(result).observe((now - after.run.start_time).total_seconds())
