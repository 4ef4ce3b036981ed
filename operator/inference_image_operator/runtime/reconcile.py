"""One pass over one object: observe, decide, write the claim, act. The thin shell around `decide`."""

import logging
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from inference_image_operator.api import Status, write
from inference_image_operator.api.conditions import Editor, Type
from inference_image_operator.api.conditions import owned as owned_conditions
from inference_image_operator.config.installation import Config
from inference_image_operator.core import waiting
from inference_image_operator.core.decide import decide, has_ended, is_settled
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.kube.client import ApiError, Cluster, Object
from inference_image_operator.kube.events import event
from inference_image_operator.kube.observe import from_object, observe, owned
from inference_image_operator.kube.referenced_digests import with_referenced_digests
from inference_image_operator.observed import CreateRefusal, Observed
from inference_image_operator.runtime.pipeline_limiter import Key, PipelineLimiter

log = logging.getLogger(__name__)

_CONFLICT = 409
_UNPROCESSABLE = 422
_FORBIDDEN = 403
_TERMINATED = "is being terminated"
"""The API server's words for a namespace that goes away."""


class Reconciler:
    """Brings one object a step further at each call."""

    def __init__(
        self,
        cluster: Cluster,
        config: Config,
        clock: Callable[[], datetime],
        limiter: PipelineLimiter,
        wake: Callable[[Key], None],
    ) -> None:
        self._cluster = cluster
        self._config = config
        self._clock = clock
        self._limiter = limiter
        self._wake = wake

    async def __call__(self, key: Key) -> float | None:
        """One pass; returns seconds until the next, None when only an event can bring news.

        Raises ApiError: the caller tries again, after a back-off.
        """
        image = await self._cluster.get_inference_image(*key)
        if image is None or is_settled(from_object(image)):
            self._release(key)
            return None
        try:
            observed = await observe(self._cluster, image, self._clock())
            observed = await with_referenced_digests(self._cluster, self._config, observed)
            return await self._follow(image, replace(observed, queue_position=self._place(key, image, observed)))
        except ApiError as error:
            if error.status == _FORBIDDEN and _TERMINATED not in error.message:
                await self._say_forbidden(image, error.message)
            raise

    async def _say_forbidden(self, image: Object, message: str) -> None:
        """Tells the object's readers which right the operator lacks; the pass is tried again all the same."""
        observed = from_object(image)
        conditions = Editor(observed.status, observed.generation, self._clock())
        text = f"{message} It is tried again."
        if has_ended(observed):  # only a look is hindered
            conditions.set(Type.POLL_FAILED, "True", "Forbidden", text)
        else:
            conditions.set(Type.READY, "False", "Forbidden", text)
            conditions.set(Type.RECONCILING, "True", "Forbidden", text)
        try:
            await self._write(image, observed, replace(_ours(observed.status), conditions=conditions.all))
        except ApiError as error:  # what is refused may be this very write, or the pass has written before
            log.info("the object could not be told: %s", error)

    def _place(self, key: Key, image: Object, observed: Observed) -> int:
        """0 for whoever is at work or may begin, else the place in the queue. A look is no pipeline."""
        if observed.spec.suspend or has_ended(observed):
            return 0
        if any(not job.finished for job in observed.jobs):
            self._limiter.mark_running(key)
        return self._limiter.acquire(key, image["metadata"]["creationTimestamp"])

    def _release(self, key: Key) -> None:
        for other in self._limiter.release(key):
            self._wake(other)

    async def _follow(self, image: Object, observed: Observed) -> float | None:
        decision = decide(observed, self._config, self._clock())
        wrote = await self._write(image, observed, decision.status)
        if not wrote and _deletes(decision) and not await self._is_current(image):
            return 0
        at_rest = decision.status.stage is None or waiting.for_restore(decision)
        if at_rest or (observed.spec.suspend and all(job.finished for job in observed.jobs)):
            self._release((observed.namespace, observed.name))
        refusal = await self._carry_out(observed, decision)
        return await self._refused(observed, decision, refusal) if refusal else decision.requeue_after

    async def _carry_out(self, observed: Observed, decision: Decision) -> CreateRefusal | None:
        """Jobs first, because everybody waits for them; then the Events, whatever became of the Jobs."""
        try:
            for action in decision.actions:
                if not isinstance(action, Emit) and (refusal := await self._act(observed, action)):
                    return refusal
            return None
        finally:
            for action in decision.actions:
                if isinstance(action, Emit):
                    await self._emit(replace(observed, status=decision.status), action)

    async def _write(self, image: Object, observed: Observed, status: Status) -> bool:
        """The claim. Nothing is written when nothing changed; somebody else's newer write makes it fail (409)."""
        if status == _ours(observed.status):
            return False
        await self._cluster.apply_status(image, write(status))
        return True

    async def _is_current(self, image: Object) -> bool:
        """Whether the object is still as it was read, before its Jobs were.

        Another operator may have claimed and created a Job between the two reads. To this pass it looks like one that
        nobody claims. A pass that writes learns that by the write.
        """
        meta = image["metadata"]
        current = await self._cluster.get_inference_image(meta["namespace"], meta["name"])
        return current is not None and current["metadata"]["resourceVersion"] == meta["resourceVersion"]

    async def _act(self, observed: Observed, action: CreateJob | DeleteJob) -> CreateRefusal | None:
        match action:
            case CreateJob(manifest=manifest):
                return await self._create(observed, manifest)
            case DeleteJob(name=name, uid=uid):
                await self._cluster.delete_job(observed.namespace, name, uid)
        return None

    async def _create(self, observed: Observed, manifest: Object) -> CreateRefusal | None:
        name = manifest["metadata"]["name"]
        try:
            await self._cluster.create_job(manifest)
        except ApiError as error:
            if error.status == _CONFLICT and error.reason == "AlreadyExists":
                existing = await self._cluster.get_job(observed.namespace, name)
                if existing is None or owned(existing, observed.uid):
                    return None
                return CreateRefusal(
                    reason="JobNameConflict",
                    message=f"A Job named {name} exists and is not this object's; it was left alone. Remove it, then "
                    "set the annotation uai.ucloud.cn/requestedAt to a new value.",
                    foreign=True,
                )
            return _refusal(name, error)
        log.info("created Job", extra={"namespace": observed.namespace, "object": observed.name, "job": name})
        return None

    async def _emit(self, observed: Observed, emit: Emit) -> None:
        """Events are for people and never hold up the work."""
        try:
            await self._cluster.create_event(event(observed, emit, self._clock()))
        except ApiError as error:
            log.warning("an Event was lost: %s", error)

    async def _refused(self, observed: Observed, decision: Decision, refusal: CreateRefusal) -> float | None:
        """Decides anew, knowing the refusal, on the object as the claim left it."""
        current = await self._cluster.get_inference_image(observed.namespace, observed.name)
        if current is None:
            return None
        again = replace(from_object(current), jobs=observed.jobs, refusal=refusal)
        if again.uid != observed.uid or again.status.stage != decision.status.stage:
            return 0
        second = decide(again, self._config, self._clock())
        await self._write(current, again, second.status)
        for action in second.actions:
            if isinstance(action, Emit):
                await self._emit(replace(again, status=second.status), action)
        return second.requeue_after


def _ours(status: Status) -> Status:
    return replace(status, conditions=owned_conditions(status.conditions))


def _deletes(decision: Decision) -> bool:
    return any(isinstance(action, DeleteJob) for action in decision.actions)


def _refusal(name: str, error: ApiError) -> CreateRefusal:
    """Why the API server would not create the Job; raises the error again when it may simply pass.

    Raises ApiError.
    """
    if error.status == _UNPROCESSABLE:
        message = f"The API server refused Job {name}: {error.message} Change the spec."
        return CreateRefusal(reason="JobInvalid", message=message, final=True)
    if error.status == _FORBIDDEN and "exceeded quota" in error.message:
        return CreateRefusal(reason="QuotaExceeded", message=f"{error.message} It is tried again.")
    if error.status == _FORBIDDEN and _TERMINATED not in error.message:
        return CreateRefusal(reason="Forbidden", message=f"{error.message} It is tried again.")
    raise error
