"""What follows a failure: another attempt, a new Resolve, or the end of the run."""

from typing import NamedTuple

from msgspec.structs import replace

from inference_image_contract.hints import ANNOTATE, explanation, with_polls
from inference_image_contract.reasons import Reason, ReasonClass
from inference_image_operator.api import LastFailure, MemoryRaise, StageStatus, Verdict
from inference_image_operator.api.conditions import Type
from inference_image_operator.api.quantities import doubled
from inference_image_operator.api.stages import Stage
from inference_image_operator.core import latest, pin
from inference_image_operator.core.decision import DeleteJob
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.retry import backoff, exhausted
from inference_image_operator.diagnosis.outcomes import Failed
from inference_image_operator.jobs.sizing.containers import memory_limit
from inference_image_operator.observed import Job

_OF_INPUTS = frozenset(
    {
        Reason.CHECKPOINT_DAMAGED,
        Reason.EXPORT_FAILED,
        Reason.GRAPH_INVALID,
        Reason.PIPELINE_CONFIG_INVALID,
        Reason.COPY_SOURCE_NOT_FOUND,
        Reason.RUN_FAILED,
        Reason.IMAGE_DOES_NOT_START,
        Reason.IMAGE_DOES_NOT_LOAD,
        Reason.IMAGE_DOES_NOT_ANSWER,
        Reason.IMAGE_ANSWERS_WRONG,
    }
)
"""Reasons of later stages for which new inputs are the remedy. A poll restarts a run only when the content is new."""


class CreateNow(NamedTuple):
    """The next Job is claimed and can be created at once."""


class Wait(NamedTuple):
    """The next Job is claimed. It is created after these seconds."""

    seconds: float


class End(NamedTuple):
    """Nothing more to do: the run has ended, or the failed Job is stopped first."""


AfterFailure = CreateNow | Wait | End


def record(draft: Draft, stage: StageStatus, failed: Failed, job: Job | None) -> AfterFailure:
    """Writes a failure into the draft and decides what follows.

    A Job that still runs is stopped first: `stage.verdict` keeps the failure, and the reconcile that finds the Job gone
    continues from there (see `resume`). Archived inputs whose restore is under way are not a failure.
    """
    if failed.kind is ReasonClass.RESTORING:
        if wait := _await_restore(draft, stage, failed):
            return wait
        failed = _restore_timed_out(draft, failed)
    failed = _with_fitting_hint(draft, stage, failed)
    draft.update(
        run=replace(draft.run, failure_time=draft.stamp),
        last_failure=LastFailure(
            stage=stage.name,
            job=stage.job,
            reason=failed.reason.value,
            message=failed.message,
            hint=failed.hint,
            log_tail=failed.log_tail,
            time=draft.stamp,
        ),
    )
    if job is not None and not job.finished:
        draft.update(stage=replace(stage, verdict=_verdict(failed)))
        draft.conditions.set(stage.name.condition, "False", failed.reason, _sentence(failed))
        draft.actions.append(DeleteJob(name=job.name, uid=job.uid))
        return End()
    return _follow(draft, stage, failed)


def resume(stage: StageStatus) -> Failed | None:
    """The failure that an earlier reconcile recorded for this stage's Job before it stopped the Job."""
    verdict = stage.verdict
    if verdict is None:
        return None
    return Failed(
        kind=verdict.kind,
        reason=Reason.of(verdict.reason),
        message=verdict.message,
        hint=verdict.hint,
        log_tail=verdict.log_tail,
        oom_container=verdict.container,
    )


def _verdict(failed: Failed) -> Verdict:
    return Verdict(
        kind=failed.kind,
        reason=failed.reason.value,
        message=failed.message,
        hint=failed.hint,
        log_tail=failed.log_tail,
        container=failed.oom_container,
    )


def stall(draft: Draft, stage: Stage | None, reason: Reason, message: str) -> None:
    """Ends the run: only a change of the spec, the inputs or the installation, or a new request, can help."""
    if stage:
        draft.conditions.set(stage.condition, "False", reason, message)
    draft.conditions.set(Type.READY, "False", reason, message)
    draft.conditions.set(Type.STALLED, "True", reason, message)
    draft.conditions.drop(Type.RECONCILING)
    draft.update(stage=None)
    draft.emit(reason, message, warning=True)


def _follow(draft: Draft, stage: StageStatus, failed: Failed) -> AfterFailure:
    limit = draft.observed.spec.retry.limit
    failures = stage.failures + (failed.kind is ReasonClass.RETRY)
    if failed.kind is ReasonClass.REPIN and not draft.observed.spec.image.pin and draft.run.resolve_count <= limit:
        _resolve_again(draft, failed)
        return CreateNow()
    if latest.awaits_first(draft, failed):
        latest.await_first(draft, failed)
        return End()
    no_more_memory = bool(failed.oom_container) and _more_memory(draft, stage, failed) is None
    attempts = stage.attempt - stage.waits
    if (
        failed.kind in (ReasonClass.PERMANENT, ReasonClass.REPIN)
        or no_more_memory
        or exhausted(failures, attempts, limit)
    ):
        tried = f" It failed {attempts} times." if attempts > 1 else ""
        stall(draft, stage.name, failed.reason, _sentence(failed) + tried)
        return End()
    wait = backoff(draft.observed.uid, max(1, failures))
    memory = _more_memory(draft, stage, failed)
    draft.claim_again(stage, failures=failures, wait=wait, memory=memory)
    text = f"{_sentence(failed)} Attempt {stage.attempt + 1} follows in {wait:.0f} s"
    text += f" with a memory limit of {memory.limit}." if memory else "."
    draft.conditions.set(stage.name.condition, "False", failed.reason, text)
    draft.conditions.set(Type.READY, "False", failed.reason, text)
    draft.conditions.set(Type.RECONCILING, "True", Reason.RETRYING, text)
    draft.emit(failed.reason, text, warning=True)
    return Wait(wait)


def _with_fitting_hint(draft: Draft, stage: StageStatus, failed: Failed) -> Failed:
    """The failure with a hint that fits the object: a poll finds inputs that a person fixes, and no run fixes a pin."""
    if failed.reason is Reason.DIGEST_INVALID and draft.observed.spec.image.pin:
        return replace(failed, hint=pin.PIN_ANOTHER)
    found_by_poll = stage.name is Stage.RESOLVE or failed.reason in _OF_INPUTS
    if not draft.observed.spec.poll or not found_by_poll:
        return failed
    return replace(failed, hint=with_polls(failed.hint))


def _await_restore(draft: Draft, stage: StageStatus, failed: Failed) -> Wait | None:
    """Claims the next check of archived inputs; None after the deadline, with nothing claimed."""
    wait = draft.config.ufile.restore.of(draft.observed.spec.ufile.restore)
    if stage.waits >= wait.checks:
        return None
    draft.claim_again(stage, failures=stage.failures, wait=wait.seconds, waits=1)
    text = f"{_sentence(failed)} Check {stage.waits + 1} of {wait.checks} follows in {wait.every}."
    draft.in_progress(stage.name, "Unknown", failed.reason, text)
    if not stage.waits:
        draft.emit(failed.reason, text)
    return Wait(wait.seconds)


def _restore_timed_out(draft: Draft, failed: Failed) -> Failed:
    """The failure of a restore that takes longer than this installation waits."""
    tier = draft.observed.spec.ufile.restore or "Standard"
    return Failed.of(
        Reason.RESTORE_TIMED_OUT,
        message=f"The restore ({tier}) did not finish within {draft.config.ufile.restore.of(tier).deadline}: "
        f"{failed.message}",
        hint=f"Check these objects in the console of US3. Once they are readable, {ANNOTATE}. "
        "The installation sets the deadline (config.ufile.restore).",
    )


def _more_memory(draft: Draft, stage: StageStatus, failed: Failed) -> MemoryRaise | None:
    """Twice the memory limit, once, up to the installation's maximum; None if memory is not the cause or not left."""
    if not failed.oom_container or stage.memory:
        return None
    limit = memory_limit(draft.observed.spec, draft.status, draft.config, failed.oom_container)
    more = doubled(limit, draft.config.jobs.maximum.memory) if limit else None
    return MemoryRaise(container=failed.oom_container, limit=more) if more else None


def _resolve_again(draft: Draft, failed: Failed) -> None:
    text = explanation(failed.message, "Pinning the inputs again.")
    draft.pin_again(text)
    draft.emit(failed.reason, text, warning=True)


def _sentence(failed: Failed) -> str:
    return explanation(failed.message, failed.hint)
