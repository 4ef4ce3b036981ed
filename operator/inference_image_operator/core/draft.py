"""The draft of a decision: the observation, and the changes collected so far."""

from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api import (
    BuiltStatus,
    CheckpointStatus,
    ConditionStatus,
    FrozenGraphStatus,
    HistoryEntry,
    ImageStatus,
    InputLockStatus,
    LastFailure,
    MemoryRaise,
    MemoryStatus,
    ProducedStatus,
    RolloutStatus,
    RunStatus,
    SourceStatus,
    StageStatus,
    Timings,
)
from inference_image_operator.api.conditions import Editor, Type
from inference_image_operator.api.names import digest, job_name
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import Time, whole_seconds
from inference_image_operator.config.installation import Config
from inference_image_operator.core.decision import Action, Decision, Emit
from inference_image_operator.observed import Observed

SUSPENDED = "spec.suspend is true. The operator starts no new Jobs."


class StatusChanges(TypedDict, total=False):
    """The fields of the status that a decision changes. Conditions have an editor of their own."""

    observed_generation: int
    installation: str
    last_handled_request: str
    run: RunStatus | None
    checkpoint: CheckpointStatus | None
    content_hash: str
    source: SourceStatus | None
    input_lock: InputLockStatus | None
    frozen_graph: FrozenGraphStatus | None
    memory: MemoryStatus | None
    built: BuiltStatus | None
    image: ImageStatus | None
    stage: StageStatus | None
    last_failure: LastFailure | None
    timings: Timings | None
    last_poll_time: Time | None
    history: tuple[HistoryEntry, ...]
    produced: ProducedStatus | None
    rollout: RolloutStatus | None


class Draft:
    """Mutable within one call of `decide`, never shared outside it."""

    def __init__(self, observed: Observed, config: Config, now: datetime) -> None:
        self.observed = observed
        self.config = config
        self.now = now
        self.status = observed.status
        self.conditions = Editor(observed.status, observed.generation, now)
        self.actions: list[Action] = []

    @property
    def stamp(self) -> datetime:
        """The current time as the status has it."""
        return whole_seconds(self.now)

    @property
    def ended_jobs(self) -> tuple[str, ...]:
        """UIDs of the Jobs whose pod is done, and that do not say so yet."""
        return tuple(sorted(job.uid for job in self.observed.jobs if job.pod_done and not job.finished))

    @property
    def run(self) -> RunStatus:
        """The current run.

        Raises ValueError if the status has none.
        """
        if self.status.run is None:
            raise ValueError("the status has no run")
        return self.status.run

    def update(self, **changes: Unpack[StatusChanges]) -> None:
        """Changes fields of the status."""
        self.status = replace(self.status, **changes)

    def emit(self, reason: Reason, message: str, *, warning: bool = False) -> None:
        """Adds an Event."""
        self.actions.append(Emit(type="Warning" if warning else "Normal", reason=reason, message=message))

    def start(self, stage: Stage, *inputs: object, message: str = "") -> None:
        """Begins a stage: claims its Job, and says in the conditions that the stage works.

        `inputs` identify what the stage works on, beside the run itself.
        """
        run = self.run
        renewal = (f"renewal {run.restart_count}",) if run.restart_count else ()
        content = digest(stage.value, run.input_hash, run.generation, run.resolve_count, *inputs, *renewal)
        self._claim(stage, content, attempt=1, failures=0, wait=0)
        self.working(stage, message)

    def pin_again(self, message: str) -> None:
        """Begins the run's Resolve stage once more."""
        self.update(run=replace(self.run, resolve_count=self.run.resolve_count + 1, inputs_hash=""))
        self.start(Stage.RESOLVE, message=message)

    def claim_again(
        self, stage: StageStatus, *, failures: int, wait: float, memory: MemoryRaise | None = None, waits: int = 0
    ) -> None:
        """Claims the next attempt of the same stage and content, with more memory where `memory` is set.

        `wait` is in seconds. `waits` is 1 if the previous attempt only found archived inputs whose restore goes on.
        """
        self._claim(stage.name, stage.content, attempt=stage.attempt + 1, failures=failures, wait=wait)
        if claimed := self.status.stage:
            more = replace(claimed, memory=memory or stage.memory, waits=stage.waits + waits)
            self.update(stage=more)

    def _claim(self, stage: Stage, content: str, *, attempt: int, failures: int, wait: float) -> None:
        self.update(
            stage=StageStatus(
                name=stage,
                job=job_name(self.observed.name, self.observed.uid, stage.value, content, attempt),
                attempt=attempt,
                start_time=self.stamp,
                content=content,
                failures=failures,
                retry_at=whole_seconds(self.now + timedelta(seconds=wait)) if wait else None,
            )
        )

    def working(self, stage: Stage, message: str = "") -> None:
        """Sets Ready to Unknown: this stage is at work."""
        text = message or f"{stage.working} in Job {self.status.stage.job if self.status.stage else ''}"
        self.in_progress(stage, "Unknown", stage.working, text)
        self.conditions.drop(Type.STALLED)

    def in_progress(self, stage: Stage, status: ConditionStatus, reason: Reason, text: str) -> None:
        """Sets Ready and the stage's condition to a status, and Reconciling: the run goes on by itself."""
        for kind in (stage.condition, Type.READY):
            self.conditions.set(kind, status, reason, text)
        self.conditions.set(Type.RECONCILING, "True", reason, text)

    def decision(self, requeue_after: float | None = None) -> Decision:
        """The finished decision. `requeue_after` is in seconds."""
        if self.observed.spec.suspend:
            self.conditions.set(Type.SUSPENDED, "True", Reason.SUSPENDED, SUSPENDED)
        else:
            self.conditions.drop(Type.SUSPENDED)
        if self.status.run and self.config.installation:
            self.update(installation=self.config.installation)
        status = replace(self.status, conditions=self.conditions.all)
        return Decision(status=status, actions=tuple(self.actions), requeue_after=requeue_after)
