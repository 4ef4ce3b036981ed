"""The reconcile of one object: observe, decide, write the claim, act. The thin shell around `decide`."""

import logging
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec.structs import replace

from inference_image_contract.hints import REQUEST_AGAIN, TRIES_AGAIN, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import Status, read_status, write
from inference_image_operator.api.conditions import Editor, Type
from inference_image_operator.api.conditions import owned as owned_conditions
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.core import waiting
from inference_image_operator.core.decide import decide, is_foreign, is_settled, watched
from inference_image_operator.core.decision import AT_ONCE, ApplyImage, CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.core.ended import has_ended
from inference_image_operator.diagnosis import admission
from inference_image_operator.jobs import POLL
from inference_image_operator.jobs.job import LABEL_STAGE
from inference_image_operator.kube import rollout
from inference_image_operator.kube.cluster import Cluster
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.kube.events import event
from inference_image_operator.kube.observe import MAX_SAID, InvalidObjectError, from_object, observe, owned
from inference_image_operator.kube.referenced_digests import with_referenced_digests
from inference_image_operator.observed import Observed, Refusal
from inference_image_operator.runtime.job_signals import JobSignals
from inference_image_operator.runtime.last_written import LastWritten
from inference_image_operator.runtime.log import bind
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.pipeline_limiter import Key, PipelineLimiter
from inference_image_operator.runtime.tag_holders import TagHolders

if TYPE_CHECKING:
    from inference_image_operator.runtime.traces import Traces  # imports OpenTelemetry

log = logging.getLogger(__name__)

_FIT = "Apply the CRD of the operator's version, then apply the object again."
"""The hint about an object that does not fit the CRD, or this version."""
_Refused = dict[str, Refusal]
"""What the API server refused, by the field of the next observation; empty for nothing."""


class Reconciler:
    """Takes one object one step further with each call."""

    def __init__(
        self,
        cluster: Cluster,
        config: Config,
        clock: Callable[[], datetime],
        limiter: PipelineLimiter,
        *,
        wake: Callable[[Key], None],
        signals: JobSignals,
        tags: TagHolders,
        written: LastWritten,
        metrics: Metrics,
        traces: "Traces | None" = None,
    ) -> None:
        """`traces` is None if the installation sends none."""
        self._cluster = cluster
        self._config = config
        self._clock = clock
        self._limiter = limiter
        self._wake = wake
        self._signals = signals
        self._tags = tags
        self._written = written
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, key: Key) -> float | None:
        """One reconcile. Returns the seconds until the next one; None if it waits for an event.

        Raises ApiError. The caller retries after a back-off.
        """
        kept = self._written.take(key)
        image = kept.image if kept else await self._cluster.get_inference_image(*key)
        observed = await self._with_work(image, key) if image else None
        if image is None or observed is None:
            self._signals.forget(key)
            self._written.forget(key)
            self._release(key)
            return None
        if observed.unreadable:
            unreadable = "; ".join(observed.unreadable)[:MAX_SAID]
            log.warning("ignoring what of the status does not fit the API: %s", unreadable)
        try:
            observed = await observe(
                self._cluster,
                observed,
                self._clock(),
                self._signals.warnings(key),
                self._signals.done(key),
                lingers=self._signals.lingers(key),
                jobs=kept.jobs if kept else None,
            )
            self._follow_job(key, observed)
            observed = await with_referenced_digests(self._cluster, self._config, observed)
            observed = await rollout.with_target(self._cluster, self._config, observed)
            observed = replace(observed, queue_position=self._place(key, image, observed))
            return await self._follow(image, observed, read=kept is None)
        except ApiError as error:
            if admission.is_final(error.status, error.message):
                await self._say_forbidden(image, error.message)
            raise

    async def _with_work(self, image: Object, key: Key) -> Observed | None:
        """The object alone, if there is something to do; None otherwise, also if it cannot be read."""
        try:
            observed = replace(from_object(image), lost_tags=self._tags.lost(key))
        except InvalidObjectError as error:
            await self._say_invalid(image, str(error))
            return None
        return None if is_foreign(observed, self._config) or is_settled(observed) else observed

    async def _say_invalid(self, image: Object, message: str) -> None:
        """Writes into the status why the object cannot be read."""
        generation = image["metadata"]["generation"]
        status, _ = read_status(image.get("status", {}))
        conditions = Editor(status, generation, self._clock())
        text = explanation(message, _FIT)
        conditions.set(Type.READY, "False", Reason.OBJECT_INVALID, text)
        conditions.set(Type.STALLED, "True", Reason.OBJECT_INVALID, text)
        conditions.drop(Type.RECONCILING)
        found = replace(status, conditions=conditions.all, observed_generation=generation)
        if found != _ours(status):
            await self._cluster.apply_status(image, write(found))

    async def _say_forbidden(self, image: Object, message: str) -> None:
        """Writes into the status which right the operator lacks. The queue retries all the same."""
        observed = from_object(image)
        conditions = Editor(observed.status, observed.generation, self._clock())
        text = f"{message} {TRIES_AGAIN}"
        if has_ended(observed):  # this only prevents polling
            conditions.set(Type.POLL_FAILED, "True", Reason.FORBIDDEN, text)
        else:
            conditions.set(Type.READY, "False", Reason.FORBIDDEN, text)
            conditions.set(Type.RECONCILING, "True", Reason.FORBIDDEN, text)
        try:
            await self._write(image, observed, replace(_ours(observed.status), conditions=conditions.all))
        except ApiError as error:  # the missing right may be this one, or this reconcile has written before
            log.info("cannot write the missing right into the status: %s", error)
        self._written.forget((observed.namespace, observed.name))  # the Jobs were not read

    def _place(self, key: Key, image: Object, observed: Observed) -> int | None:
        """None if the object runs or may run, otherwise its place in the queue. A poll is not a pipeline."""
        if observed.spec.suspend or has_ended(observed):
            return None
        if any(not job.finished for job in observed.jobs):
            self._limiter.mark_running(key)
        return self._limiter.acquire(key, image["metadata"]["creationTimestamp"])

    def _follow_job(self, key: Key, observed: Observed) -> None:
        job = watched(observed)
        if job is None or job.finished:
            self._signals.forget(key)
        else:
            self._signals.follow(key, job.name)

    def _release(self, key: Key) -> None:
        for other in self._limiter.release(key):
            self._wake(other)

    async def _follow(self, image: Object, observed: Observed, *, read: bool) -> float | None:
        """Decides and acts. The object has been `read`, or is what the last write left."""
        decision = decide(observed, self._config, self._clock())
        if stage := decision.status.stage:
            bind(stage=stage.name, job=stage.job)
        wrote = await self._write(image, observed, decision.status)
        unsure = _deletes(decision) if read else bool(decision.actions)
        if not wrote and unsure and not await self._is_current(image):
            return AT_ONCE
        if observed.status.stage and decision.status.stage is None:  # the run ends here; a poll may follow it
            self._signals.forget((observed.namespace, observed.name))
        at_rest = decision.status.stage is None or waiting.for_restore(decision)
        if at_rest or (observed.spec.suspend and all(job.finished for job in observed.jobs)):
            self._release((observed.namespace, observed.name))
        refused = await self._carry_out(observed, decision)
        return await self._refused(observed, decision, refused) if refused else decision.requeue_after

    async def _carry_out(self, observed: Observed, decision: Decision) -> _Refused:
        """Carries out the Jobs first, because the pipeline waits for them, then the Events, even if a Job fails."""
        try:
            for action in decision.actions:
                if not isinstance(action, Emit) and (refused := await self._act(observed, action)):
                    return refused
            return {}
        finally:
            for action in decision.actions:
                if isinstance(action, Emit):
                    await self._emit(replace(observed, status=decision.status), action)

    async def _write(self, image: Object, observed: Observed, status: Status) -> bool:
        """Writes the status, which is the claim, if it changed. A newer write by another client makes it fail (409)."""
        if status == _ours(observed.status):
            return False
        try:
            left = await self._cluster.apply_status(image, write(status))
        except ApiError as error:
            if error.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                await self._tell_refused(observed, error.message)
            raise
        key = (observed.namespace, observed.name)
        if status.stage:
            self._written.keep(key, left, _may_run(observed, status))
        else:
            self._written.forget(key)  # nothing would take it
        self._record(observed, status)
        return True

    def _record(self, observed: Observed, status: Status) -> None:
        """Counts and traces what the status that was written says. After the write, so that nothing counts twice."""
        now = self._clock()
        self._metrics.decided(observed, status, now)
        if self._traces:
            self._traces.decided(observed, status, now)

    async def _tell_refused(self, observed: Observed, message: str) -> None:
        """Says in an Event why the API server refuses the status, for example by a rule of a new CRD about the spec."""
        text = explanation(f"The API server refuses the status: {message[:MAX_SAID]}", f"{_FIT} {TRIES_AGAIN}")
        await self._emit(observed, Emit(type="Warning", reason=Reason.OBJECT_INVALID, message=text))

    async def _is_current(self, image: Object) -> bool:
        """Whether the object is unchanged since it was read or written, before its Jobs were read.

        In between, another operator may claim and create a Job. This reconcile then sees a Job without a claim. A
        reconcile that writes the status notices this through the write (409).
        """
        meta = image["metadata"]
        current = await self._cluster.get_inference_image(meta["namespace"], meta["name"])
        return current is not None and current["metadata"]["resourceVersion"] == meta["resourceVersion"]

    async def _act(self, observed: Observed, action: CreateJob | DeleteJob | ApplyImage) -> _Refused:
        match action:
            case CreateJob(manifest=manifest):
                refused = await self._create(observed, manifest)
                return {"refusal": refused} if refused else {}
            case DeleteJob(name=name, uid=uid):
                await self._cluster.delete_job(observed.namespace, name, uid)
            case ApplyImage() as apply:
                refused = await self._apply(observed, apply)
                return {"apply_refusal": refused} if refused else {}
        return {}

    async def _apply(self, observed: Observed, apply: ApplyImage) -> Refusal | None:
        try:
            await self._cluster.apply_image(apply.kind, rollout.body(observed.namespace, apply))
        except ApiError as error:
            if refused := rollout.refusal(apply, error):
                return refused
            raise
        log.info("applied the image of %s %s", apply.kind, apply.name)
        return None

    async def _create(self, observed: Observed, manifest: Object) -> Refusal | None:
        name = manifest["metadata"]["name"]
        bind(job=name)
        self._signals.follow((observed.namespace, observed.name), name)
        try:
            await self._cluster.create_job(manifest)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT and error.reason == "AlreadyExists":
                existing = await self._cluster.get_job(observed.namespace, name)
                if existing is None or owned(existing, observed.uid):
                    return None
                return Refusal(
                    reason=Reason.JOB_NAME_CONFLICT,
                    message=f"Job {name} exists and belongs to another owner. The operator leaves it alone. Delete it, "
                    + REQUEST_AGAIN,
                )
            refusal = admission.of_job(_stage(manifest), name, error.status, error.message)
            if refusal is None:
                raise
            return refusal
        log.info("created Job")
        return None

    async def _emit(self, observed: Observed, emit: Emit) -> None:
        """Creates an Event. Events are for people, so a failure does not stop the reconcile."""
        try:
            await self._cluster.create_event(event(observed, emit, self._clock()))
        except ApiError as error:
            log.warning("cannot create an Event: %s", error)

    async def _refused(self, observed: Observed, decision: Decision, refused: _Refused) -> float | None:
        """Decides again, now with what was refused, on the object as the claim left it."""
        current = await self._cluster.get_inference_image(observed.namespace, observed.name)
        if current is None:
            return None
        again = replace(
            from_object(current),
            jobs=observed.jobs,
            target_read=observed.target_read,
            target=observed.target,
            target_refusal=observed.target_refusal,
            **refused,
        )
        if again.uid != observed.uid or again.status.stage != decision.status.stage:
            return AT_ONCE
        second = decide(again, self._config, self._clock())
        await self._write(current, again, second.status)
        for action in second.actions:
            if isinstance(action, Emit):
                await self._emit(replace(again, status=second.status), action)
        return second.requeue_after


def _may_run(observed: Observed, status: Status) -> set[str]:
    """The Jobs that may run after this status is written: those that were there, and those that a claim names."""
    claims = (stage.job for stage in (observed.status.stage, status.stage) if stage)
    return {job.name for job in observed.jobs if not job.finished}.union(claims)


def _ours(status: Status) -> Status:
    return replace(status, conditions=owned_conditions(status.conditions))


def _stage(manifest: Object) -> Stage:
    """The stage whose pod a Job runs. A poll runs Resolve's."""
    label = manifest["metadata"]["labels"][LABEL_STAGE]
    return Stage.RESOLVE if label == POLL else Stage(label)


def _deletes(decision: Decision) -> bool:
    return any(isinstance(action, DeleteJob) for action in decision.actions)
