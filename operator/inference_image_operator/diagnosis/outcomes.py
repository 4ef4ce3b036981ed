"""The outcome of a stage's Job: working, done with a result, or failed with a reason and a class."""

import re
from typing import Self, TypeVar

from msgspec.structs import replace

from inference_image_contract import graph_keys, results, untrusted_json
from inference_image_contract.content import DIGEST
from inference_image_contract.hints import REQUEST_AGAIN, RUNS_AGAIN, explanation
from inference_image_contract.reasons import ExitCode, Reason, ReasonClass
from inference_image_contract.redact import redact
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS, MAIN, SIDECARS, resource_field
from inference_image_operator.diagnosis import injected, kaniko_log, tested_image
from inference_image_operator.diagnosis.pending import cause
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Container, Event, Frozen, Job, Pod, end_of

MAX_LOG_TAIL = tested_image.MAX_LOG_TAIL


class Working(Frozen, frozen=True, kw_only=True):
    """The Job has not ended."""

    waiting_for: Cause | None = None
    suspended: bool = False


class Done(Frozen, frozen=True, kw_only=True):
    """The Job is complete, or its pod is done. This is the report of its last container."""

    result: results.Result
    seconds: float
    injected: str = ""
    """About containers that kept the pod from ending; empty without any."""


class Failed(Frozen, frozen=True, kw_only=True):
    """The Job failed, or runs but can no longer succeed."""

    kind: ReasonClass
    """What follows: the class of the reason, unless this failure says more."""
    reason: Reason
    message: str
    hint: str
    log_tail: str = ""
    oom_container: str = ""
    """The container that was killed because it ran out of memory."""

    @classmethod
    def of(cls, reason: Reason, message: str, hint: str, *, log_tail: str = "", oom_container: str = "") -> Self:
        """A failure of its reason's class."""
        return cls(
            kind=reason.kind, reason=reason, message=message, hint=hint, log_tail=log_tail, oom_container=oom_container
        )


Outcome = Working | Done | Failed

_RESULTS: dict[Stage, type[results.Result]] = {
    Stage.RESOLVE: results.Resolved,
    Stage.EXPORT: results.Exported,
    Stage.BUILD: results.Built,
    Stage.TEST: results.Probed,
    Stage.PUBLISH: results.Published,
}
Report = TypeVar("Report", bound=results.Result)
_MAX_REPORT = 4 * results.MAX_BYTES
_KILLED = 128 + 9
"""Exit code after SIGKILL. If memory is not the cause, the log says nothing about the kill."""
_DISK = re.compile(r"ephemeral[- ](?:local )?storage|emptyDir volume|disk ?pressure", re.IGNORECASE)
"""In the kubelet's message about an eviction."""
_KANIKO = "kaniko"
_DEADLINE = "DeadlineExceeded"


def assess(stage: Stage, job: Job, pods: tuple[Pod, ...] | None, events: tuple[Event, ...]) -> Outcome:
    """The outcome of a Job. `pods` is None if they were not read; an unfinished Job then counts as working."""
    outcome = _assess(stage, job, pods, events)
    log = tested_image.log_tail(_newest_first(pods or ())) if stage is Stage.TEST else ""
    return replace(outcome, log_tail=log) if isinstance(outcome, Failed) and log else outcome


def _assess(stage: Stage, job: Job, pods: tuple[Pod, ...] | None, events: tuple[Event, ...]) -> Outcome:
    if job.complete:
        return _complete(stage, job, pods or ())
    if pod := injected.ended_main(stage, pods or ()):
        return _ended(stage, job, pod)
    if job.failed or (job.failing == _DEADLINE and pods is not None):
        return _failed(stage, job, pods or ())
    if pods is None:
        return Working(suspended=job.suspended)
    return _unfinished(stage, job, pods, events)


def _unfinished(stage: Stage, job: Job, pods: tuple[Pod, ...], events: tuple[Event, ...]) -> Outcome:
    if job.suspended:
        return Working(suspended=True)
    if job.pod_done:
        outcome = _complete(stage, job, pods)
        return outcome if isinstance(outcome, Done) else Working()
    return _failing_image(_newest_first(pods)) or Working(waiting_for=cause(stage, pods, events))


def _ended(stage: Stage, job: Job, pod: Pod) -> Outcome:
    """The outcome by the stage's own containers, while others keep the pod running or make it fail."""
    others = injected.note(stage, pod)
    main = pod.container(MAIN[stage])
    if main is None or main.exit_code != 0:
        failed = _failed(stage, job, (pod,))
        return replace(failed, message=explanation(failed.message, others))
    done = _complete(stage, job, (pod,))
    if not isinstance(done, Done):
        return done
    seconds = (main.ended_at - job.started).total_seconds() if job.started and main.ended_at else 0.0
    return replace(done, seconds=seconds, injected=f"{others} The operator did not wait for it. {injected.REMEDY}")


def _failing_image(pods: list[Pod]) -> Failed | None:
    """The failure of the image under test. Without this, the probe waits for it until its deadline."""
    if tested_image.is_out_of_memory(pods):
        return _out_of_memory(tested_image.IMAGE)
    crashed = tested_image.crashing(pods)
    return _does_not_start(crashed) if crashed else None


def _does_not_start(image: Container) -> Failed:
    return Failed.of(
        Reason.IMAGE_DOES_NOT_START,
        message=tested_image.end_of(image),
        hint=f"{tested_image.remedy(image)}, upload it, {REQUEST_AGAIN}",
        log_tail=redact(image.report)[-MAX_LOG_TAIL:],
    )


def _out_of_memory(container: str, message: str = "") -> Failed:
    return Failed.of(
        Reason.OUT_OF_MEMORY,
        message=message or f"Container {container} exceeded its memory limit and was killed.",
        hint=f"Raise the memory limit in {resource_field(container)}.",
        oom_container=container,
    )


def _complete(stage: Stage, job: Job, pods: tuple[Pod, ...]) -> Outcome:
    report = next(
        (c.report for pod in _newest_first(pods) for c in pod.containers if c.name == MAIN[stage] and c.exit_code == 0),
        "",
    )
    result = _decoded(report, _RESULTS[stage])
    if result is None:
        return Failed.of(
            Reason.RESULT_LOST,
            message=f"Job {job.name} is complete, but the result in its pod is missing or malformed.",
            hint=RUNS_AGAIN,
        )
    if isinstance(result, results.Exported | results.Resolved) and result.graph:
        result = replace(result, graph=graph_keys.whole(result.graph))
    digest = getattr(result, "digest", None)
    if digest is not None and not DIGEST.fullmatch(digest):
        return Failed(
            kind=ReasonClass.PERMANENT,
            reason=Reason.DIGEST_INVALID,
            message=f"Job {job.name} reported an invalid digest.",
            hint="The registry violates the registry protocol. Ask its administrator.",
        )
    return Done(result=result, seconds=_seconds(job, pods))


def _seconds(job: Job, pods: tuple[Pod, ...]) -> float:
    ended = end_of(job, pods)
    return (ended - job.started).total_seconds() if job.started and ended else 0.0


def _decoded(report: str, kind: type[Report]) -> Report | None:
    """The result in a termination message; None if it is missing or malformed."""
    try:
        return untrusted_json.read(report.encode(errors="replace"), kind, max_bytes=_MAX_REPORT)
    except ValueError:
        return None


def _failed(stage: Stage, job: Job, pods: tuple[Pod, ...]) -> Failed:
    if _DEADLINE in (job.failed, job.failing):
        return _out_of_disk(stage, pods) or _timed_out(stage, job, pods)
    sound = [pod for pod in _newest_first(pods) if not pod.disrupted]
    if tested_image.is_out_of_memory(sound):
        return _out_of_memory(tested_image.IMAGE)
    for pod in sound:
        for container in pod.containers:
            if container.name in CONTAINERS[stage] and _has_failed(container):
                return _container_failed(container, pod, job)
    message = next((pod.message for pod in _newest_first(pods) if pod.message), job.failed_message)
    return Failed.of(
        Reason.POD_LOST,
        message=f"The pod of Job {job.name} ended before its containers did: {message}",
        hint="The operator runs it again. If this repeats, check the Events of the node.",
    )


def _out_of_disk(stage: Stage, pods: tuple[Pod, ...]) -> Failed | None:
    """The kubelet evicts the pod for its disk usage, and the Job controller replaces it until the deadline."""
    pod = next((pod for pod in _newest_first(pods) if _DISK.search(pod.message)), None)
    if pod is None:
        return None
    field = {Stage.EXPORT: "spec.export.resources", Stage.BUILD: "spec.build.resources"}.get(stage)
    more = f"Raise requests.ephemeral-storage of {field}" if field else "Add disk space to the node"
    return Failed(
        kind=ReasonClass.PERMANENT,
        reason=Reason.DISK_FULL,
        message=f"The kubelet evicted the pod for its disk usage: {pod.message}",
        hint=f"{more}, {REQUEST_AGAIN}",
    )


def _has_failed(container: Container) -> bool:
    """Whether it ended with an error. A sidecar is stopped when another container has failed, which is no failure."""
    return container.name not in SIDECARS and container.exit_code not in (None, 0)


def _timed_out(stage: Stage, job: Job, pods: tuple[Pod, ...]) -> Failed:
    field = {Stage.EXPORT: "spec.export.timeout", Stage.BUILD: "spec.build.timeout", Stage.TEST: "spec.test.timeout"}
    remedy = (
        f"Raise {field[stage]} or the resources of the stage" if stage in field else "Find out what the Job waits for"
    )
    others = next((found for pod in _newest_first(pods) if (found := injected.note(stage, pod))), "")
    return Failed.of(
        Reason.TIMED_OUT,
        message=f"Job {job.name} exceeded its deadline. {others}".strip(),
        hint=(f"{injected.REMEDY} " if others else "") + f"{remedy}, {REQUEST_AGAIN}",
    )


def _container_failed(container: Container, pod: Pod, job: Job) -> Failed:
    if container.ended == "OOMKilled":
        return _out_of_memory(container.name)
    if container.name == _KANIKO and pod.has_login:
        return _untold(container, job)
    tail = redact(container.report)[-MAX_LOG_TAIL:]
    if container.name == _KANIKO:
        # A RUN instruction can set Kaniko's exit code and last line, so they are never parsed as a report of ours.
        return _kaniko_failed(container, tail) or _unexplained(container, tail)
    if explained := _explained(container):
        image = pod.container(tested_image.IMAGE)
        if explained.reason == Reason.IMAGE_DOES_NOT_LOAD and image and image.restarts:
            return _does_not_start(image)  # the probe sees a closed port; the kubelet knows that the image crashed
        return explained
    return _unexplained(container, tail)


def _kaniko_failed(container: Container, tail: str) -> Failed | None:
    """The diagnosis of Kaniko's log; None if Kaniko was killed from outside, which its log does not show."""
    found = kaniko_log.diagnose(tail)
    if container.exit_code == _KILLED and not found.out_of_memory:
        return None
    return Failed.of(
        found.reason,
        message=found.message,
        hint=found.hint,
        log_tail=tail,
        oom_container=container.name if found.out_of_memory else "",
    )


def _untold(container: Container, job: Job) -> Failed:
    """The failure of a Kaniko that had a login: a RUN can write that into any line, in a form that hides it."""
    found = kaniko_log.diagnose(container.report[-MAX_LOG_TAIL:])
    killed = container.exit_code == _KILLED and not found.out_of_memory
    return Failed.of(
        Reason.CONTAINER_FAILED if killed else found.reason,
        message=f"Container {container.name} ended with exit code {container.exit_code}. Its log is not shown here: it "
        "had the registry login of spec.build.cache, which a RUN instruction could have printed.",
        hint=f"Read the log with kubectl logs job/{job.name} -c {container.name}, fix what it says, {REQUEST_AGAIN}",
        oom_container=container.name if found.out_of_memory else "",
    )


def _unexplained(container: Container, tail: str) -> Failed:
    return Failed.of(
        Reason.CONTAINER_FAILED,
        message=f"Container {container.name} ended with exit code {container.exit_code}"
        + (f" ({container.ended})." if container.ended else "."),
        hint="See lastFailure.logTail and the log of the container.",
        log_tail=tail,
    )


def _explained(container: Container) -> Failed | None:
    """The failure that one of our containers reported; None if the report is missing or malformed."""
    report = _decoded(container.report, results.Failed)
    try:
        kind = ExitCode(container.exit_code or 0).kind
    except (ValueError, KeyError):
        return None
    if report is None:
        return None
    if report.reason == Reason.OUT_OF_MEMORY:
        return _out_of_memory(container.name, redact(report.message))
    return Failed(kind=kind, reason=Reason.of(report.reason), message=redact(report.message), hint=redact(report.hint))


def _newest_first(pods: tuple[Pod, ...]) -> list[Pod]:
    return sorted(pods, key=lambda pod: pod.created, reverse=True)
