"""`poll`, of the checkpoint or of Git: when to check for new content, with which Job, and what follows.

A poll is one Job. All polls of an object share one Job name, so the API server allows one at a time and no claim is
needed. The finished Job records the result until the next poll is due. Then the operator deletes it, and creates the
next one when it is gone. See docs/decisions/0005.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from inference_image_contract import results
from inference_image_contract.hints import explanation, with_polls
from inference_image_contract.reasons import Reason, ReasonClass
from inference_image_operator.api import parse_duration
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.api.names import digest, job_name
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import whole_seconds
from inference_image_operator.core import failure, latest
from inference_image_operator.core.decision import AT_ONCE, CreateJob, Decision, DeleteJob
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.policy import refusal
from inference_image_operator.diagnosis.outcomes import Done, Failed, Outcome, Working, assess
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY, POD_CHECK_INTERVAL
from inference_image_operator.jobs import POLL, poll_job
from inference_image_operator.observed import Job, Observed

POLL_RETRY = timedelta(minutes=5)
"""Delay after a poll that failed transiently, unless `poll` is shorter."""
LAST_POLL_GRANULARITY = timedelta(hours=1)
"""`status.lastPollTime` may lag behind the last poll by this much. It saves a write per poll."""


def polls(observed: Observed) -> bool:
    """Whether the operator polls for new content once the run has ended."""
    return bool(observed.spec.poll) and not observed.spec.suspend


def last_poll(observed: Observed) -> Job | None:
    """The Job of the current or the last poll, of whichever run."""
    name = _name(observed)
    return next((job for job in observed.jobs if job.name == name), None)


def needs_pods(observed: Observed, now: datetime) -> bool:
    """Whether the next decision needs the pods of the poll's Job."""
    job = last_poll(observed)
    if job is None or job.terminating or not polls(observed):
        return False
    if job.finished or job.failing:
        return True
    started = job.started is not None and now - job.started >= timedelta(seconds=POD_CHECK_DELAY)
    return not job.ready and (observed.early_check or started)


def new_content(draft: Draft) -> results.Resolved | None:
    """The result of the last poll if its content differs from this run's; None otherwise."""
    outcome = _outcome(draft)
    if not isinstance(outcome, Done) or not isinstance(outcome.result, results.Resolved):
        return None
    if draft.run.inputs_hash == outcome.result.inputs_hash or latest.goes_back(draft, outcome.result):
        return None
    return outcome.result


def follow(draft: Draft) -> Decision:
    """The next step without new content: records the result of the last poll, and polls again when it is due."""
    job, outcome = last_poll(draft.observed), _outcome(draft)
    if job is not None and (job.terminating or (job.finished and draft.observed.pods is None)):
        return draft.decision(POD_CHECK_INTERVAL if job.terminating else AT_ONCE)
    if isinstance(outcome, Working):
        if cause := outcome.waiting_for:
            _report_failure(draft, cause.reason, explanation(cause.message, cause.hint))
        return draft.decision(None if job and job.ready else POD_CHECK_INTERVAL)
    _record(draft, job, outcome)
    _end_overdue_wait(draft)
    if job is not None and outcome is not None and not job.finished:
        return _end(draft, job, outcome)
    if refusal(draft.observed.spec, draft.config):
        return draft.decision()
    due, until = _due(draft, job, outcome), latest.deadline(draft)
    if due <= draft.now:
        return _poll(draft, job)
    return draft.decision(((min(due, until) if until else due) - draft.now).total_seconds())


def _record(draft: Draft, job: Job | None, outcome: Outcome | None) -> None:
    match outcome:
        case Done(result=results.Resolved() as found) if older := latest.goes_back(draft, found):
            _report_failure(draft, Reason.CHECKPOINT_OLDER, explanation(older, latest.GO_BACK))
            _record_time(draft, job)
        case Done():
            draft.conditions.drop(Type.POLL_FAILED)
            _record_time(draft, job)
        case Failed(reason=Reason.CHECKPOINT_NOT_FOUND) if latest.deadline(draft):
            _record_time(draft, job)
        case Failed(kind=kind) as failed if kind not in _TRANSIENT:
            _report_failure(draft, failed.reason, explanation(failed.message, with_polls(failed.hint)))
            _record_time(draft, job)


def _end_overdue_wait(draft: Draft) -> None:
    """Nobody waits for the first checkpoint any longer. Polling goes on, and what it finds starts a run."""
    until = latest.deadline(draft)
    if until and until <= draft.now:
        draft.update(run=replace(draft.run, waiting_since=None))
        failure.stall(draft, Stage.RESOLVE, Reason.CHECKPOINT_NOT_FOUND, latest.overdue(draft))


_TRANSIENT = (ReasonClass.RETRY_FREE, ReasonClass.REPIN)
"""A lost pod, or inputs that changed during the poll: the next poll decides."""


def _name(observed: Observed) -> str:
    return job_name(observed.name, observed.uid, POLL, "", 0)


def _content(draft: Draft) -> str:
    """Identifies the run that a poll belongs to. A poll of an earlier run says nothing about this one."""
    run = draft.run
    return digest(POLL, run.input_hash, run.generation, run.resolve_count, run.restart_count)


def _outcome(draft: Draft) -> Outcome | None:
    """The outcome of the last poll for this run; None without such a poll, or when its outcome is unknown."""
    job = last_poll(draft.observed)
    if job is None or job.terminating or job.content != _content(draft):
        return None
    if job.finished and draft.observed.pods is None:
        return None
    return assess(Stage.RESOLVE, job, draft.observed.pods, draft.observed.events)


def _due(draft: Draft, job: Job | None, outcome: Outcome | None) -> datetime:
    """When the next poll is due, counted from the last time that a Job read the inputs."""
    poll = timedelta(seconds=parse_duration(draft.observed.spec.poll))
    if job and job.ended and outcome:
        transient = isinstance(outcome, Failed) and outcome.kind is not ReasonClass.PERMANENT
        return job.ended + (min(poll, POLL_RETRY) if transient else poll)
    times = [time for time in (draft.status.last_poll_time, draft.run.failure_time) if time]
    return max(times) + poll if times else draft.now


def _poll(draft: Draft, job: Job | None) -> Decision:
    """Deletes the Job of the last poll, or creates the Job of the next."""
    if job is not None:
        draft.actions.append(DeleteJob(name=job.name, uid=job.uid))
        return draft.decision(POD_CHECK_INTERVAL)
    refused = draft.observed.refusal
    if refused:
        _report_failure(draft, refused.reason, refused.message)
        return draft.decision(POLL_RETRY.total_seconds())
    manifest = poll_job(draft.observed, _name(draft.observed), _content(draft), draft.config)
    draft.actions.append(CreateJob(manifest=manifest))
    return draft.decision(POD_CHECK_DELAY)


def _end(draft: Draft, job: Job, outcome: Outcome) -> Decision:
    """Ends a poll whose own container has ended, while another one keeps its pod running."""
    if isinstance(outcome, Done):
        draft.emit(Reason.CONTAINER_INJECTED, outcome.injected, warning=True)
    draft.update(last_poll_time=draft.stamp)
    draft.actions.append(DeleteJob(name=job.name, uid=job.uid))
    return draft.decision(POD_CHECK_INTERVAL)


def _report_failure(draft: Draft, reason: Reason, message: str) -> None:
    """Reports a failed poll. The published image is still valid, so Ready stays as it is."""
    before = find(draft.conditions.all, Type.POLL_FAILED)
    draft.conditions.set(Type.POLL_FAILED, "True", reason, message)
    if before is None or before.reason != reason:
        draft.emit(reason, message, warning=True)


def _record_time(draft: Draft, job: Job | None) -> None:
    last = draft.status.last_poll_time
    if job and job.ended and (not last or job.ended - last >= LAST_POLL_GRANULARITY):
        draft.update(last_poll_time=whole_seconds(job.ended))
