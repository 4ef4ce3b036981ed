"""What follows a failure: another attempt, pinning again, or the end of the run."""

from msgspec.structs import replace

from inference_image_operator.api import LastFailure, MemoryRaise, StageStatus, Verdict
from inference_image_operator.api.conditions import Type
from inference_image_operator.api.quantities import doubled
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core.decision import DeleteJob
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.retry import backoff, exhausted
from inference_image_operator.diagnosis.outcomes import Failed, FailureClass
from inference_image_operator.jobs import manifest, memory_limit
from inference_image_operator.observed import Job


def record(draft: Draft, stage: StageStatus, failed: Failed, job: Job | None) -> float | None:
    """Writes a failure into the draft and decides what follows; returns when to look again.

    A Job that still runs is stopped first: the failure stands in `lastFailure` with its name, and the pass that
    finds the Job gone goes on from there (see `resume`). Archived inputs that are being restored are no failure.
    """
    if failed.kind is FailureClass.RESTORING:
        wait = _await_restore(draft, stage, failed)
        if wait:
            return wait
        failed = _restore_timed_out(draft, failed)
    draft.update(
        last_failure=LastFailure(
            stage=stage.name,
            job=stage.job,
            reason=failed.reason,
            message=failed.message,
            hint=failed.hint,
            log_tail=failed.log_tail,
            time=rfc3339(draft.now),
        )
    )
    if job is not None and not job.finished:
        draft.update(stage=replace(stage, verdict=Verdict(kind=failed.kind.value, container=failed.oom_container)))
        draft.conditions.set(Stage(stage.name).condition, "False", failed.reason, _sentence(failed))
        draft.actions.append(DeleteJob(name=job.name, uid=job.uid))
        return None
    return _follow(draft, stage, failed)


def resume(draft: Draft, stage: StageStatus) -> Failed | None:
    """The verdict that an earlier pass wrote about this stage's Job before stopping it."""
    last = draft.status.last_failure
    if last is None or stage.verdict is None:
        return None
    return Failed(
        kind=FailureClass(stage.verdict.kind),
        reason=last.reason,
        message=last.message,
        hint=last.hint,
        log_tail=last.log_tail,
        oom_container=stage.verdict.container,
    )


def stall(draft: Draft, stage: Stage | None, reason: str, message: str) -> None:
    """The end of the run: only a change can help."""
    if stage:
        draft.conditions.set(stage.condition, "False", reason, message)
    draft.conditions.set(Type.READY, "False", reason, message)
    draft.conditions.set(Type.STALLED, "True", reason, message)
    draft.conditions.drop(Type.RECONCILING, Type.SUSPENDED)
    draft.update(stage=None)
    draft.emit(reason, message, warning=True)


def _follow(draft: Draft, stage: StageStatus, failed: Failed) -> float | None:
    limit = draft.observed.spec.retry.limit
    failures = stage.failures + (failed.kind is FailureClass.RETRY)
    run = draft.status.run
    if failed.kind is FailureClass.REPIN and run and run.resolve_count <= limit:
        _resolve_again(draft, failed)
        return None
    no_more_memory = bool(failed.oom_container) and _more_memory(draft, stage, failed) is None
    attempts = stage.attempt - stage.waits
    if (
        failed.kind in (FailureClass.PERMANENT, FailureClass.REPIN)
        or no_more_memory
        or exhausted(failures, attempts, limit)
    ):
        tried = f" Tried {attempts} times." if attempts > 1 else ""
        stall(draft, Stage(stage.name), failed.reason, _sentence(failed) + tried)
        return None
    wait = backoff(draft.observed.uid, max(1, failures))
    memory = _more_memory(draft, stage, failed)
    draft.claim_again(stage, failures=failures, wait=wait, memory=memory)
    text = f"{_sentence(failed)} Attempt {stage.attempt + 1} follows in {wait:.0f} s"
    text += f" with a memory limit of {memory.limit}." if memory else "."
    draft.conditions.set(Stage(stage.name).condition, "False", failed.reason, text)
    draft.conditions.set(Type.READY, "False", failed.reason, text)
    draft.conditions.set(Type.RECONCILING, "True", "Retrying", text)
    draft.emit(failed.reason, text, warning=True)
    return wait


def _await_restore(draft: Draft, stage: StageStatus, failed: Failed) -> float | None:
    """Claims the next look at archived inputs and returns the seconds until then; None when their time is over."""
    wait = draft.config.ufile.restore.of(draft.observed.spec.ufile.restore)
    if stage.waits >= wait.checks:
        return None
    draft.claim_again(stage, failures=stage.failures, wait=wait.seconds, waits=1)
    text = f"{_sentence(failed)} Look {stage.waits + 1} of {wait.checks} follows in {wait.every}."
    for kind in (Stage(stage.name).condition, Type.READY):
        draft.conditions.set(kind, "Unknown", failed.reason, text)
    draft.conditions.set(Type.RECONCILING, "True", failed.reason, text)
    if not stage.waits:
        draft.emit(failed.reason, text)
    return wait.seconds


def _restore_timed_out(draft: Draft, failed: Failed) -> Failed:
    """A restore that takes longer than this installation waits."""
    tier = draft.observed.spec.ufile.restore or "Standard"
    return Failed(
        kind=FailureClass.PERMANENT,
        reason="RestoreTimedOut",
        message=f"After {draft.config.ufile.restore.of(tier).deadline} the restore ({tier}) is not done: "
        f"{failed.message}",
        hint="Look at these objects on the console of US3. Once they can be read, set the annotation "
        "uai.ucloud.cn/requestedAt to a new value; how long is waited is config.ufile.restore of the installation.",
    )


def _more_memory(draft: Draft, stage: StageStatus, failed: Failed) -> MemoryRaise | None:
    """Twice the limit, once, inside the installation's ceiling; None when that is used up or was no lack of memory."""
    if not failed.oom_container or stage.memory:
        return None
    limit = memory_limit(manifest(draft.observed, draft.status, draft.config), failed.oom_container)
    more = doubled(limit, draft.config.jobs.maximum.memory) if limit else None
    return MemoryRaise(container=failed.oom_container, limit=more) if more else None


def _resolve_again(draft: Draft, failed: Failed) -> None:
    run = draft.status.run
    if run is None:
        raise ValueError("only a run can be resolved again")
    draft.update(run=replace(run, resolve_count=run.resolve_count + 1))
    draft.claim(Stage.RESOLVE)
    draft.emit(failed.reason, failed.message + " The inputs are pinned again.", warning=True)
    draft.working(Stage.RESOLVE, failed.message + " The inputs are pinned again.")


def _sentence(failed: Failed) -> str:
    return f"{failed.message} {failed.hint}".strip()
