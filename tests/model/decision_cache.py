"""The operator in the model: the real `decide`, with a cache of its decisions."""

from datetime import timedelta
from typing import NamedTuple

from msgspec.structs import replace

from inference_image_contract import results
from inference_image_contract.reasons import Reason
from inference_image_operator.api import HistoryEntry, Status
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.config.installation import Restores, RestoreWait
from inference_image_operator.core.decide import decide, is_settled, needs_pods
from inference_image_operator.core.decision import CreateJob, DeleteJob
from inference_image_operator.observed import Container, Job, Observed, Pod, Refusal
from tests.model import invariants
from tests.model.specs import Scenario, SpecVersion
from tests.model.state import Action, JobState, View
from tests.support.memory import check_memory
from tests.support.world import CONFIG as PLAIN
from tests.support.world import START

CONFIG = replace(PLAIN, ufile=replace(PLAIN.ufile, restore=Restores(standard=RestoreWait(every="15m", deadline="30m"))))
"""With a deadline of two checks for a restore, to keep the number of states low."""

LATE = (0, 301, 601)
"""Seconds since the claim: none; past the longest back-off; past the pending deadline."""
RETRY_AT = START + timedelta(seconds=300)
REFUSALS = {
    "refused": Refusal(reason=Reason.QUOTA_EXCEEDED, message="exceeded quota"),
    "foreign": Refusal(reason=Reason.JOB_NAME_CONFLICT, message="not ours"),
}


class Origin(NamedTuple):
    """What a Job was created for."""

    stage: str
    content: str
    attempt: int
    version: int


class Verdict(NamedTuple):
    """The parts of a decision that the model uses."""

    status: int
    changed: bool
    actions: tuple[Action, ...]
    requeue: bool


class DecisionCache:
    """Decides. Statuses are numbered, so that states are small and quick to compare."""

    def __init__(self, scenario: Scenario) -> None:
        self.versions = scenario.versions
        self._pins = any(version.pin for version in scenario.versions)
        self.statuses: list[Status] = []
        self._numbers: dict[Status, int] = {}
        self._verdicts: dict[tuple[object, ...], Verdict] = {}
        self.origins: dict[str, Origin] = {}
        self.number(Status())

    def number(self, status: Status) -> int:
        """The number of a status, reduced to what decisions depend on."""
        plain = canonical(status, known_digests(status) if self._pins else ())
        number = self._numbers.get(plain)
        if number is None:
            number = self._numbers[plain] = len(self.statuses)
            self.statuses.append(plain)
        return number

    def settled(self, view: View) -> bool:
        return is_settled(self._observed(view))

    def verdict(self, view: View, late: int, refusal: str = "") -> Verdict:
        """The decision for one view. `refusal` is the result of a create, or `line` for a place in the queue."""
        key = (view, late, refusal)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = self._decide(view, late, refusal)
        return found

    def _decide(self, view: View, late: int, refusal: str) -> Verdict:
        now = START + timedelta(seconds=LATE[late])
        observed = self._observed(view)
        if needs_pods(observed, now):
            claimed = next(job for job in view.jobs if job.name == observed.claimed.name)
            observed = replace(observed, pods=self._pods(claimed))
        place = 2 if refusal == "line" else None
        decision = decide(replace(observed, refusal=REFUSALS.get(refusal), queue_position=place), CONFIG, now)
        check_memory(observed, CONFIG, now)
        invariants.check_decision(observed, decision, self.versions[view.version], CONFIG.ufile.restore.standard.checks)
        actions = []
        for action in decision.actions:
            if isinstance(action, CreateJob):
                stage = decision.status.stage
                self.origins.setdefault(stage.job, Origin(stage.name, stage.content, stage.attempt, view.version))
                actions.append(Action("create", action.manifest["metadata"]["name"]))
            elif isinstance(action, DeleteJob):
                actions.append(Action("delete", action.name, action.uid))
        number = self.number(decision.status)
        return Verdict(number, number != view.status, tuple(actions), decision.requeue_after is not None)

    def _observed(self, view: View) -> Observed:
        version, run = self.versions[view.version], self.statuses[view.status].run
        return Observed(
            name="detector",
            namespace="object-detect",
            uid="0f8fad5b-d9cb-469f-a165-70867728950e",
            generation=version.generation,
            spec=version.spec,
            status=self.statuses[view.status],
            request=version.request,
            deleting=view.deleting,
            jobs=tuple(self._job(job, run.ended_jobs if run else ()) for job in view.jobs),
        )

    def _job(self, job: JobState, ended: tuple[str, ...]) -> Job:
        origin = self.origins[job.name]
        failed = job.phase.startswith("failed")
        return Job(
            name=job.name,
            uid=job.uid,
            stage=origin.stage,
            content=origin.content,
            attempt=origin.attempt,
            complete=job.phase.startswith("complete"),
            failed=("DeadlineExceeded" if job.phase == "failed:timeout" else "PodFailurePolicy") if failed else "",
            suspended=job.phase == "queued",
            ready=int(job.phase == "running"),
            terminating=job.terminating,
            started=START,
            ended=START if job.finished else None,
            pod_done=job.phase.startswith("ended") or job.uid in ended,
        )

    def _pods(self, job: JobState) -> tuple[Pod, ...]:
        origin = self.origins[job.name]
        ended, _, variant = job.phase.partition(":")
        phases = dict.fromkeys(("complete", "ended", "missed"), "Succeeded") | {"failed": "Failed", "kept": "Running"}
        phase = phases.get(ended, "Pending")
        found = _container(MAIN[Stage(origin.stage)], ended, variant, self.versions[origin.version], origin.stage)
        others = (Container(name="istio-proxy"),) if ended == "kept" else ()
        return (Pod(name="pod", uid="pod", phase=phase, created=START, containers=(found, *others)),) if found else ()


def _container(name: str, ended: str, variant: str, version: SpecVersion, stage: str) -> Container | None:
    """The container that explains the Job's phase; None if its pod is lost."""
    if ended in ("complete", "ended", "missed", "kept"):
        result = version.result(stage, variant)
        report = results.encode(result).decode() if result else ""
        return Container(name=name, exit_code=0, ended="Completed", report=report)
    if ended == "failed":
        reasons = {
            "permanent": Reason.INVALID_INPUT,
            "counted": Reason.UFILE_UNAVAILABLE,
            "moved": Reason.SOURCE_CHANGED,
            "restoring": Reason.OBJECT_RESTORING,
        }
        if reason := reasons.get(variant):
            failed = results.Failed(reason=reason.value, message="It failed.", hint="Fix it.")
            report = results.encode(failed).decode()
            return Container(name=name, exit_code=reason.exit_code, ended="Error", report=report)
        return Container(name=name, exit_code=137, ended="OOMKilled") if variant == "memory" else None
    if ended == "crashing":
        return Container(name="image", exit_code=1, ended="Error", waiting="CrashLoopBackOff", restarts=2)
    if ended == "stuck":
        return Container(name=name, waiting="ImagePullBackOff", message="manifest unknown")
    return Container(name=name, waiting="ContainerCreating")


def known_digests(status: Status) -> tuple[HistoryEntry, ...]:
    """The history as `spec.image.pin` reads it: each digest once."""
    found = {entry.digest: replace(entry, time=START) for entry in status.history}
    return tuple(found[digest] for digest in sorted(found))


def canonical(status: Status, history: tuple[HistoryEntry, ...] = ()) -> Status:
    """The status without fields that `decide` never reads, and with times relative to the claim."""
    stage, run = status.stage, status.run
    if stage:
        stage = replace(stage, start_time=START, retry_at=RETRY_AT if stage.retry_at else None)
    return replace(
        status,
        conditions=tuple(replace(c, last_transition_time=START, reason="", message="") for c in status.conditions),
        stage=stage,
        run=replace(run, start_time=None, failure_time=None) if run else None,
        last_failure=None,
        timings=None,
        history=history,
    )
