"""The state machine: an observation goes in, a decision comes out. No I/O, no clock, no randomness.

A run is one way through the stages, for one spec and one value of the request annotation. The status holds its state:
`run` identifies the spec and the request, `stage` names the claimed Job. Each reconcile decides from the status and
from the Jobs that exist, and from nothing else.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from inference_image_contract.hints import RUNS_AGAIN, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import RunStatus, StageStatus, described
from inference_image_operator.api.conditions import Type
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.core import earlier, failure, pin, polling, progress, rollout, tags, waiting
from inference_image_operator.core.decision import AT_ONCE, CreateJob, Decision, DeleteJob
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.ended import has_ended
from inference_image_operator.core.policy import refusal
from inference_image_operator.diagnosis.outcomes import Done, Failed, Working, assess
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.jobs import manifest
from inference_image_operator.observed import Job, Observed, Pod

STOP_CHECK = 10.0
"""Seconds between checks of a Job that is being deleted, in case its event is lost."""


def decide(observed: Observed, config: Config, now: datetime) -> Decision:
    """The next step for one object. Equal observations give equal decisions."""
    if observed.deleting or is_foreign(observed, config):
        return Decision(status=observed.status)
    return rollout.follow(_of_the_run(observed, config, now), observed, config, now)


def _of_the_run(observed: Observed, config: Config, now: datetime) -> Decision:
    draft = Draft(observed, config, now)
    run = observed.status.run
    if run is None or run.input_hash != input_hash(observed.spec, observed.request):
        return _begin(draft)
    _observe_generation(draft)
    return _work(draft) if draft.status.stage else _after_run(draft)


def is_foreign(observed: Observed, config: Config) -> bool:
    """Whether another installation serves the object. It is left alone: two would stop each other's Jobs."""
    return bool(observed.installation and config.installation) and observed.installation != config.installation


def is_settled(observed: Observed) -> bool:
    """Whether there is nothing to do, judged from the object alone, without its Jobs."""
    to_do = (polling.polls, tags.is_news, rollout.is_pending)
    return observed.deleting or (has_ended(observed) and not any(is_due(observed) for is_due in to_do))


def watched(observed: Observed) -> Job | None:
    """The Job that the next decision is about: the claimed Job, or the poll's."""
    return observed.claimed if observed.status.stage else polling.last_poll(observed)


def needs_pods(observed: Observed, now: datetime) -> bool:
    """Whether this decision needs the pods and Events of the watched Job."""
    job, stage = observed.claimed, observed.status.stage
    if stage is None:
        return polling.needs_pods(observed, now)
    if job is None:
        return False
    if job.over or job.failing:
        return True
    due = observed.early_check or now - stage.start_time >= timedelta(seconds=POD_CHECK_DELAY)
    return due and not job.ready


def failed_test_pod(observed: Observed) -> Pod | None:
    """The newest pod of a failed test, whose image log explains the failure; None otherwise."""
    stage, job = observed.status.stage, observed.claimed
    if stage is None or job is None or stage.name is not Stage.TEST or not observed.pods:
        return None
    failed = isinstance(assess(Stage.TEST, job, observed.pods, observed.events), Failed)
    return max(observed.pods, key=lambda pod: pod.created) if failed else None


def _begin(draft: Draft) -> Decision:
    observed = draft.observed
    if observed.spec.suspend:
        return _begin_later(draft)
    refused = refusal(observed.spec, draft.config) or pin.refusal(observed.spec, observed.status)
    if refused and (stopping := _stop_others(draft, None)):
        return stopping
    begin_run(draft, new_run(draft))
    if refused:
        failure.stall(draft, None, refused.reason, explanation(refused.message, refused.hint))
        return draft.decision()
    pin.start(draft)
    return _work(draft)


def _begin_later(draft: Draft) -> Decision:
    """The object is suspended. The status, and the generation that it names, stay those of the run before."""
    if draft.status.run is None:
        draft.update(observed_generation=draft.observed.generation)
        draft.conditions.set(Type.READY, "Unknown", Reason.SUSPENDED, "Suspended before the first stage.")
    return draft.decision()


def new_run(draft: Draft) -> RunStatus:
    """The run for the object's spec and request."""
    observed = draft.observed
    return RunStatus(
        input_hash=input_hash(observed.spec, observed.request),
        generation=observed.generation,
        requested=observed.request != observed.status.last_handled_request,
        registry_host=_registry_host(observed),
        ended_jobs=draft.ended_jobs,
    )


def _registry_host(observed: Observed) -> str:
    """The registry's alias, for a pinned image: no Resolve chooses one for it."""
    image, run = observed.spec.image, observed.status.run
    published = observed.status.image.reference.partition("@")[0] if observed.status.image else ""
    return run.registry_host if run and image.pin and published == image.repository else ""


def begin_run(draft: Draft, run: RunStatus) -> None:
    """Begins a run: clears what the status says about an earlier run."""
    observed = draft.observed
    draft.update(
        run=replace(run, start_time=draft.stamp),
        observed_generation=observed.generation,
        last_handled_request=observed.request,
        last_failure=None,
        built=None,
        timings=None,
    )
    for stage in Stage:
        draft.conditions.set(stage.condition, "Unknown", Reason.PENDING)
    draft.conditions.drop(Type.POLL_FAILED, Type.PINNED)


def _after_run(draft: Draft) -> Decision:
    """The run has ended. With `poll`, check for new content, and restart the run when there is some.

    A restart only writes the claim. The next reconcile waits for its place in the queue like any other.
    """
    tags.tell(draft)
    if not polling.polls(draft.observed):
        draft.conditions.drop(Type.POLL_FAILED)
        return draft.decision()
    if stopping := _stop_others(draft, polling.last_poll(draft.observed)):
        return stopping
    found = polling.new_content(draft)
    if found is None:
        return polling.follow(draft)
    run, before = draft.run, draft.status.checkpoint
    restarted = RunStatus(
        input_hash=run.input_hash,
        generation=draft.observed.generation,
        restart_count=run.restart_count + 1,
        registry_host=run.registry_host,
        ended_jobs=draft.ended_jobs,
    )
    begin_run(draft, restarted)
    draft.start(Stage.RESOLVE)
    was = described(before.step, before.name) if before else "none"
    now = described(found.step, found.checkpoint_name)
    draft.emit(Reason.NEW_CONTENT, f"Polling found new content, {now} (before: {was}). Building an image of it.")
    return draft.decision(AT_ONCE)


def _observe_generation(draft: Draft) -> None:
    """Records a generation that asks for the same result (suspend, retry, TTL). Nothing restarts."""
    observed = draft.observed
    if draft.status.observed_generation != observed.generation:
        draft.update(observed_generation=observed.generation)
        draft.conditions.follow_generation()


def _work(draft: Draft) -> Decision:
    stage = draft.status.stage
    if stage is None:
        raise ValueError("the status claims no stage")
    job = next((job for job in draft.observed.jobs if job.name == stage.job), None)
    stopping = _stop_others(draft, job)
    if stopping:
        return stopping
    if job is None:
        return _without_job(draft, stage)
    if job.uid != stage.job_uid:
        stage = replace(stage, job_uid=job.uid, suspended=False)
        draft.update(stage=stage)
        draft.working(stage.name)  # nothing prevents the Job's creation any longer
    if stage.verdict and not job.finished:  # of a Job that ended all the same, the own outcome counts
        return _stop(draft, job)
    if job.terminating:
        return draft.decision(STOP_CHECK)
    return _assessed(draft, stage, job)


def _assessed(draft: Draft, stage: StageStatus, job: Job) -> Decision:
    if job.finished and draft.observed.pods is None:
        return draft.decision(AT_ONCE)
    match assess(stage.name, job, draft.observed.pods, draft.observed.events):
        case Done() as done:
            draft.update(run=replace(draft.run, ended_jobs=draft.ended_jobs))
            progress.record(draft, stage.name, done)
            if not job.over:  # the next Job follows when this one is gone
                return _stop(draft, job)
            return _create(draft)
        case Failed() as failed:
            return _proceed(draft, failure.record(draft, stage, failed, job))
        case Working(suspended=True):
            return waiting.for_resumption(draft, stage, job)
        case Working(waiting_for=cause):
            return waiting.for_pod(draft, stage, job, cause)


def _without_job(draft: Draft, stage: StageStatus) -> Decision:
    """The claimed Job does not exist yet, or was deleted."""
    if draft.observed.refusal:
        return waiting.for_permission(draft, stage)
    if not stage.job_uid:
        return _create(draft)
    verdict = failure.resume(stage) or Failed.of(
        Reason.JOB_LOST,
        message=f"Job {stage.job} was deleted before its result was recorded.",
        hint=RUNS_AGAIN,
    )
    return _proceed(draft, failure.record(draft, stage, verdict, None))


def _proceed(draft: Draft, after: failure.AfterFailure) -> Decision:
    match after:
        case failure.CreateNow():
            return _create(draft)
        case failure.Wait(seconds=seconds):
            return draft.decision(seconds)
        case failure.End():
            return draft.decision()


def _create(draft: Draft) -> Decision:
    """Creates the claimed Job, if there is one and the object is not suspended and waits for no retry or other run."""
    stage = draft.status.stage
    if stage is None:
        return draft.decision()
    if draft.observed.spec.suspend:
        return waiting.for_resume(draft, stage)
    if stage.retry_at and stage.retry_at > draft.now:
        return waiting.for_retry(draft, stage, stage.retry_at)
    if draft.observed.queue_position and stage.name is Stage.RESOLVE:
        return waiting.in_queue(draft, stage)
    if earlier.replace_claim(draft, stage.name):
        return _create(draft)
    if stage.retry_at or stage.queue_position or stage.suspended:
        draft.update(stage=replace(stage, queue_position=None, suspended=False))
        draft.working(stage.name, f"Attempt {stage.attempt} in Job {stage.job}")
    draft.actions.append(CreateJob(manifest=manifest(draft.observed, draft.status, draft.config)))
    return draft.decision(POD_CHECK_DELAY)


def _stop_others(draft: Draft, claimed: Job | None) -> Decision | None:
    """Deletes every other Job of this object that may still run, and waits until the Jobs and their pods are gone."""
    others = [job for job in draft.observed.jobs if job is not claimed and not job.over]
    if not others:
        return None
    draft.actions += [DeleteJob(name=job.name, uid=job.uid) for job in others if not job.terminating]
    return draft.decision(STOP_CHECK)


def _stop(draft: Draft, job: Job) -> Decision:
    if not job.terminating:
        draft.actions.append(DeleteJob(name=job.name, uid=job.uid))
    return draft.decision(STOP_CHECK)
