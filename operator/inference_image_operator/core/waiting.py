"""The status of an object that waits: in the queue, for a retry, its pod or permission, or because it is suspended."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from inference_image_contract.hints import explanation
from inference_image_contract.reasons import Reason, ReasonClass
from inference_image_operator.api import StageStatus, Status, parse_duration
from inference_image_operator.api.conditions import Type
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core import failure
from inference_image_operator.core.decision import CreateJob, Decision
from inference_image_operator.core.draft import Draft
from inference_image_operator.diagnosis.pending import (
    LONGEST_POD_CHECK_INTERVAL,
    POD_CHECK_DELAY,
    POD_CHECK_INTERVAL,
    Check,
)
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Job

QUEUE_STATUS_INTERVAL = timedelta(minutes=1)


def is_queued(status: Status) -> bool:
    """Whether the object waits in the queue."""
    return status.stage is not None and status.stage.queue_position is not None


def for_restore(decision: Decision) -> bool:
    """Whether the run only waits for a restore. That takes hours, so another run may use its place."""
    stage = decision.status.stage
    creates = any(isinstance(action, CreateJob) for action in decision.actions)
    return stage is not None and bool(stage.waits) and not stage.job_uid and not creates


def in_queue(draft: Draft, stage: StageStatus) -> Decision:
    """The limit of pipelines is reached. Writes the place in the queue at once, then at most once a minute."""
    known = stage.queue_position and draft.observed.status.stage == stage
    if known and draft.now - stage.start_time < QUEUE_STATUS_INTERVAL:
        return draft.decision(QUEUE_STATUS_INTERVAL.total_seconds())
    position = draft.observed.queue_position
    text = f"Place {position} in the queue. The installation's limit of pipelines is reached."
    draft.update(stage=replace(stage, start_time=draft.stamp, queue_position=position, suspended=False))
    draft.in_progress(stage.name, "Unknown", Reason.QUEUED, text)
    return draft.decision(QUEUE_STATUS_INTERVAL.total_seconds())


def for_pod(draft: Draft, stage: StageStatus, job: Job, cause: Cause | None) -> Decision:
    """The Job runs, or its pod waits. If the cause is known, the status names it."""
    if cause is None:
        if stage.message and (job.ready or draft.observed.pods is not None):
            draft.update(stage=replace(stage, message=""))
            draft.working(stage.name)
        return draft.decision(None if job.ready else _until_pod_check(draft, stage))
    text = explanation(cause.message, cause.hint)
    draft.update(stage=replace(stage, message=cause.message))
    for kind in (stage.name.condition, Type.READY):
        draft.conditions.set(kind, "False", cause.reason, text)
    stalled = cause.stalls or _overdue(draft, stage, job)
    draft.conditions.set(Type.STALLED if stalled else Type.RECONCILING, "True", cause.reason, text)
    draft.conditions.drop(Type.RECONCILING if stalled else Type.STALLED)  # kstatus counts the first that is true
    if stage.message != cause.message:
        draft.emit(cause.reason, text, warning=True)
    return draft.decision(POD_CHECK_INTERVAL)


def _until_pod_check(draft: Draft, stage: StageStatus) -> Check:
    """Seconds until the next check of the pods. An early reconcile does not delay the first check.

    Each later check comes after as long as the pod has waited already.
    """
    waited = (draft.now - stage.start_time).total_seconds()
    left = POD_CHECK_DELAY - waited
    return Check(left if left > 0 else min(waited, LONGEST_POD_CHECK_INTERVAL))


def for_resumption(draft: Draft, stage: StageStatus, job: Job) -> Decision:
    """Something else, for example Kueue, suspended the Job. That counts towards no deadline of ours."""
    message = f"Job {job.name} is suspended from outside, for example by Kueue."
    draft.update(stage=replace(stage, message=message))
    draft.working(stage.name, message)
    return draft.decision()


def for_resume(draft: Draft, stage: StageStatus) -> Decision:
    """The object is suspended between two Jobs of its run."""
    draft.update(stage=replace(stage, suspended=True))
    text = f"Suspended before the stage {stage.name}."
    for kind in (Type.READY, stage.name.condition):
        draft.conditions.set(kind, "Unknown", Reason.SUSPENDED, text)
    draft.conditions.drop(Type.RECONCILING)
    return draft.decision()


def for_retry(draft: Draft, stage: StageStatus, start: datetime) -> Decision:
    """The next attempt starts later. The conditions say why already, unless the object was suspended."""
    if stage.suspended:
        draft.update(stage=replace(stage, suspended=False))
        draft.working(stage.name, f"Attempt {stage.attempt} starts at {rfc3339(start)}.")
    return draft.decision((start - draft.now).total_seconds())


def for_permission(draft: Draft, stage: StageStatus) -> Decision:
    """The API server refused to create the Job."""
    refused = draft.observed.refusal
    if refused is None:
        raise ValueError("the API server refused nothing")
    if refused.reason.kind is ReasonClass.PERMANENT:
        failure.stall(draft, stage.name, refused.reason, refused.message)
        return draft.decision()
    draft.in_progress(stage.name, "False", refused.reason, refused.message)
    return draft.decision(2 * POD_CHECK_INTERVAL)


def _overdue(draft: Draft, stage: StageStatus, job: Job) -> bool:
    """Whether the pod is pending for too long. A resumed Job gets a new start time, and the later time counts."""
    deadline = timedelta(seconds=parse_duration(draft.config.jobs.pending_deadline))
    claimed = stage.start_time
    return draft.now - max(claimed, job.started or claimed) >= deadline
