"""The invariants of the design that a model can check. A violation raises InvariantViolation."""

import re

from inference_image_operator.api import Status
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.core import retry
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.observed import Observed
from tests.model.specs import SpecVersion
from tests.model.state import State

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvariantViolation(AssertionError):  # noqa: N818 - a violation, not an error of the caller
    """An invariant does not hold."""


def require(holds: object, sentence: str) -> None:
    if not holds:
        raise InvariantViolation(sentence)


def check_decision(observed: Observed, decision: Decision, version: SpecVersion, checks: int) -> None:
    """Invariants of an observation and its decision. `checks` bounds the wait for a restore."""
    before, after = observed.status, decision.status
    for action in decision.actions:
        match action:
            case CreateJob(manifest=manifest):
                name = manifest["metadata"]["name"]
                require(after.stage and after.stage.job == name, f"{name} is created without a claim")
                require(not observed.deleting, "a Job is created for an object that is being deleted")
                require(not version.suspend, "a Job is created for a suspended object")
                live = [job.name for job in observed.jobs if not job.over]
                require(not live, f"{name} is created while {live} is observed as running")
                metadata = manifest["metadata"]
                require(metadata["ownerReferences"][0]["uid"] == observed.uid, "a Job without its owner reference")
                require("finalizers" not in metadata, "a Job with a finalizer")
            case DeleteJob(name=name, uid=uid):
                require(
                    (name, uid) in {(job.name, job.uid) for job in observed.jobs},
                    f"{name} is deleted with a UID that was not observed",
                )
            case other:
                require(isinstance(other, Emit), "an action other than create, delete or Event")
    _check_progress(before, after, version, checks)


def _check_progress(before: Status, after: Status, version: SpecVersion, checks: int) -> None:
    require(after.observed_generation >= before.observed_generation, "the observed generation decreased")
    require(after.observed_generation <= version.generation, "the observed generation does not exist")
    if before.run and after.run:
        require(after.run.generation >= before.run.generation, "the run returned to an older generation")
    if after.stage:
        attempts = after.stage.attempt - after.stage.waits
        require(attempts <= version.spec.retry.limit + retry.MAX_FREE_RETRIES, "attempts are not bounded")
        require(after.stage.waits <= checks, "waits for a restore are not bounded")
        require(after.stage.failures <= version.spec.retry.limit, "counted failures are not bounded")
    if before.stage and after.stage and before.stage.content == after.stage.content:
        require(after.stage.attempt >= before.stage.attempt, "the attempt decreased")
        require(after.stage.waits >= before.stage.waits, "the waits decreased")
        waited = after.stage.waits > before.stage.waits
        require(not waited or after.stage.failures == before.stage.failures, "a wait was counted as a failure")
    stalled = find(after.conditions, Type.STALLED)
    ready = find(after.conditions, Type.READY)
    require(not (stalled and ready and ready.status == "True"), "an object is both Ready and Stalled")


def check_commit(status: Status, version: SpecVersion) -> None:
    """Invariants of a status that the API server has just accepted."""
    newest = status.observed_generation in (-1, version.generation)
    require(newest or _held_back(status, version), "the observed generation is not the newest")


def _held_back(status: Status, version: SpecVersion) -> bool:
    """Whether `spec.suspend` keeps the run of this version from beginning: the status stays that of the run before."""
    return version.suspend and (status.run is None or status.run.input_hash != version.input_hash)


def check_state(state: State, status: Status, versions: tuple[SpecVersion, ...]) -> None:
    """Invariants at every moment."""
    live = [job.name for job in state.live]
    require(len(live) <= 1, f"more than one Job runs: {live}")
    ready = find(status.conditions, Type.READY)
    if ready and ready.status == "True":
        require(status.image and DIGEST.fullmatch(status.image.digest), "Ready without a well-formed digest")
        of_run = {version.digest for version in versions if status.run and version.input_hash == status.run.input_hash}
        require({status.image.digest} == of_run, "Ready with the digest of another run")


def check_at_rest(state: State, status: Status, version: SpecVersion) -> None:
    """Invariants when no reconcile is under way and none would change anything."""
    if state.deleting or _held_back(status, version):
        return
    if version.pin and any(job.terminating for job in state.jobs):
        return  # a pin that is refused is told when the Job of the run before is gone
    require(status.observed_generation == version.generation, "the newest generation is not observed")
    told = {condition.observed_generation for condition in status.conditions}
    require(
        told <= {version.generation},
        f"conditions have the generations {told}, but the object has {version.generation}",
    )
    if not status.stage:
        return
    claimed = next((job for job in state.jobs if job.name == status.stage.job), None)
    ready = find(status.conditions, Type.READY)
    if claimed and claimed.phase == "running" and not claimed.terminating:
        require(ready and ready.status == "Unknown", f"a Job runs, but Ready has the reason {ready and ready.reason}")
        require(not status.stage.message, f"a Job runs, but the stage has the message {status.stage.message}")
