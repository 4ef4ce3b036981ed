"""The possible next steps of the operators, the Jobs, the user and the time."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.model import decision_cache, invariants
from tests.model.decision_cache import DecisionCache
from tests.model.invariants import require
from tests.model.specs import Scenario
from tests.model.state import ACTING, DECIDED, READ, Action, JobState, Pass, State, View


class Step(NamedTuple):
    """One step. No state needs a fault or a user's step to come to rest."""

    label: str
    state: State
    fault: bool = False


class Transitions:
    """The next states of a state, in one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._may = frozenset(scenario.disturbances)
        self.decisions = DecisionCache(scenario)

    def start(self) -> State:
        return State(passes=(None,) * self._scenario.operators)

    def steps(self, state: State) -> Iterator[Step]:
        for slot, current in enumerate(state.passes):
            if self._scenario.prompt and current and current.phase == ACTING:
                yield from self._operator(state, slot, current)
                return
        for slot, current in enumerate(state.passes):
            yield from self._operator(state, slot, current)
        for index, job in enumerate(state.jobs):
            yield from self._job(state, index, job)
        yield from self._user(state)
        yield from self._time(state)

    # ---- the operator ----

    def _operator(self, state: State, slot: int, current: Pass | None) -> Iterator[Step]:
        if current is None:
            if not state.gone and not self.decisions.settled(View(state.status, state.version, state.deleting)):
                yield Step("reads", _pass(state, slot, Pass(READ, state.status, state.version, state.deleting)))
            return
        yield Step("crashes", _pass(state, slot, None), fault=True)
        if current.phase == READ:
            yield Step("decides", self._decides(state, slot, current))
            if "line" in self._may:
                yield Step("decides, and waits in the queue", self._decides(state, slot, current, "line"), fault=True)
        elif current.phase == DECIDED:
            yield self._writes(state, slot, current)
        else:
            yield from self._acts(state, slot, current)

    def _decides(self, state: State, slot: int, current: Pass, refusal: str = "") -> State:
        jobs = current.jobs if refusal in decision_cache.REFUSALS else state.jobs
        verdict = self.decisions.verdict(
            View(current.status, current.version, current.deleting, jobs), state.late, refusal
        )
        actions = () if refusal in decision_cache.REFUSALS else verdict.actions
        if not verdict.changed and not actions:
            return _pass(state, slot, None)
        creates = any(action.verb == "create" for action in actions)
        return _pass(
            state,
            slot,
            current._replace(
                phase=DECIDED if verdict.changed or self._scenario.fenced else ACTING,
                status=verdict.status,
                actions=actions,
                jobs=jobs if creates and self._may & {"refused", "foreign"} else (),
            ),
        )

    def _writes(self, state: State, slot: int, current: Pass) -> Step:
        if state.gone or current.stale:
            return Step("gets a conflict", _pass(state, slot, None))
        before, after = self.decisions.statuses[state.status], self.decisions.statuses[current.status]
        invariants.check_commit(after, self.decisions.versions[state.version])
        claimed = (before.stage and before.stage.job) != (after.stage and after.stage.job)
        left = current._replace(phase=ACTING) if current.actions else None
        written = state._replace(status=current.status, late=0 if claimed else state.late)
        if current.status != state.status:
            written = _touched(written)
        return Step("writes the status", _pass(written, slot, left))

    def _acts(self, state: State, slot: int, current: Pass) -> Iterator[Step]:
        action, rest = current.actions[0], current.actions[1:]
        left = current._replace(actions=rest) if rest else None
        if action.verb == "delete":
            jobs = tuple(
                job._replace(terminating=True) if (job.name, job.uid) == action[1:] else job for job in state.jobs
            )
            yield Step("deletes " + action.name, _pass(state._replace(jobs=jobs), slot, left))
            return
        yield Step("creates " + action.name, _pass(self._created(state, action), slot, left))
        for refusal in decision_cache.REFUSALS:
            if refusal in self._may and not state.gone and all(job.name != action.name for job in state.jobs):
                yield Step("may not create: " + refusal, self._refused(state, slot, current, refusal), fault=True)

    def _created(self, state: State, action: Action) -> State:
        if any(job.name == action.name for job in state.jobs):
            return state  # AlreadyExists, and ours
        return state._replace(jobs=tuple(sorted((*state.jobs, JobState(action.name, self._uid(state, action.name))))))

    def _refused(self, state: State, slot: int, current: Pass, refusal: str) -> State:
        """The reconcile reads the object again and decides again, if the claim is still there."""
        if self.decisions.statuses[state.status].stage != self.decisions.statuses[current.status].stage:
            return _pass(state, slot, None)
        read = Pass(READ, state.status, state.version, state.deleting, jobs=current.jobs)
        return self._decides(state, slot, read, refusal)

    # ---- the Jobs ----

    def _job(self, state: State, index: int, job: JobState) -> Iterator[Step]:
        if (state.gone or state.deleting) and not job.terminating:
            yield Step("the garbage collector deletes", _job(state, index, job._replace(terminating=True)))
        if job.terminating:
            yield Step("disappears", _job(state, index, None))
            if not job.finished:
                yield Step("still completes", _job(state, index, job._replace(phase="complete:plain")), fault=True)
            return
        stage = self.decisions.origins[job.name].stage
        troubled = stage in self._scenario.stages
        if job.finished:
            if troubled and "removed" in self._may:
                yield Step("is removed from outside", _job(state, index, None), fault=True)
            return
        if troubled and "stopped" in self._may:
            yield Step("is stopped from outside", _job(state, index, job._replace(terminating=True)), fault=True)
        for phase, fault in self._phases(stage, job.phase, troubled=troubled):
            yield Step(phase, _job(state, index, job._replace(phase=phase)), fault)
        if troubled and "told" in self._may and job.phase == "running" and not _uncounted(state):
            yield Step("its pod succeeds", _job(state, index, job._replace(phase="ended:plain")))

    def _phases(self, stage: str, phase: str, *, troubled: bool) -> Iterator[tuple[str, bool]]:
        """The possible next phases of an unfinished Job, and whether each is a fault."""
        if phase in ("stuck", "queued"):
            yield "new", False
            return
        if phase == "kept":  # if the operator does not notice, the Job ends at its deadline
            yield "failed:timeout", False
            return
        ended, _, variant = phase.partition(":")
        if ended in ("ended", "missed"):  # the Job controller has not counted the pod yet
            yield "complete:" + variant, False
            if ended == "ended":
                yield "missed:" + variant, True
            return
        if phase == "new":
            yield "running", False
        elif phase == "running":
            yield "complete:plain", False
            if stage == "Resolve":
                yield from (("complete:" + variant, False) for variant in self._scenario.reuse)
        if troubled:
            yield from ((found, True) for found in self._troubles(stage, phase))

    def _troubles(self, stage: str, phase: str) -> Iterator[str]:
        failures = set(self._scenario.failures)
        if phase == "running":
            yield from sorted(self._may & {"kept"})
            endings = failures & ({"lost", "malformed"} if stage in ("Build", "Publish") else {"lost"})
            yield from sorted("complete:" + variant for variant in endings)
        nowhere = {"lost", "malformed"} if stage in ("Export", "Build", "Test") else {"lost", "malformed", "moved"}
        if stage != "Resolve":
            nowhere |= {"restoring"}
        yield from sorted("failed:" + variant for variant in failures - nowhere)
        if phase == "new":
            yield from sorted(self._may & ({"stuck", "queued", "crashing"} if stage == "Test" else {"stuck", "queued"}))

    # ---- the user and the time ----

    def _user(self, state: State) -> Iterator[Step]:
        if state.gone:
            return
        if state.deleting:
            yield Step("the object disappears", _touched(state._replace(gone=True)))
            return
        for version in self.decisions.versions[state.version].follows:
            yield Step(f"the user edits: {version}", _touched(state._replace(version=version)), fault=True)
        if self._scenario.deletion:
            yield Step("the user deletes", _touched(state._replace(gone=True)), fault=True)
            yield Step("the user deletes, dependents first", _touched(state._replace(deleting=True)), fault=True)

    def _time(self, state: State) -> Iterator[Step]:
        stage = self.decisions.statuses[state.status].stage
        if stage and not state.gone and state.late < self._latest(state, stage.job):
            yield Step("time passes", state._replace(late=state.late + 1))

    def _latest(self, state: State, claimed: str) -> int:
        return 2 if any(job.name == claimed and job.phase == "stuck" for job in state.jobs) else 1

    # ---- normalisation of states ----

    def tidy(self, state: State) -> State:
        """The state without parts that no step reads: old finished Jobs, past times, reconciles before a conflict."""
        if state.gone:
            state = state._replace(late=0, deleting=False, passes=tuple(map(_after_deletion, state.passes)))
        elif state.late > 1 and not any(job.phase == "stuck" for job in state.jobs):
            state = state._replace(late=1)
        if not any(job.finished for job in state.jobs):
            return state
        wanted = self._claims(state)
        kept = tuple(job for job in state.jobs if not job.finished or job.name in wanted)
        return state if len(kept) == len(state.jobs) else state._replace(jobs=kept)

    def _claims(self, state: State) -> set[str]:
        statuses = {state.status, *(current.status for current in state.passes if current)}
        stages = (self.decisions.statuses[status].stage for status in statuses)
        return {stage.job for stage in stages if stage}

    def _uid(self, state: State, name: str) -> str:
        """The first UID of this name that no status, Job or reconcile refers to."""
        statuses = {state.status, *(current.status for current in state.passes if current)}
        known = {stage.job_uid for status in statuses if (stage := self.decisions.statuses[status].stage)}
        known |= {job.uid for job in state.jobs}
        runs = (self.decisions.statuses[status].run for status in statuses)
        known |= {uid for run in runs if run for uid in run.ended_jobs}
        for current in state.passes:
            if current:
                known |= {action.uid for action in current.actions} | {job.uid for job in current.jobs}
        number = 0
        while f"{name}#{number}" in known:
            number += 1
        require(number < 10, "no UID is left")  # endless growth is a defect of the model
        return f"{name}#{number}"


def _uncounted(state: State) -> bool:
    """Whether a pod has ended that the Job controller has not counted. The model has one of them at a time."""
    return any(job.over and not job.finished for job in state.jobs)


def _pass(state: State, slot: int, current: Pass | None) -> State:
    passes = (*state.passes[:slot], current, *state.passes[slot + 1 :])
    return state._replace(passes=tuple(sorted(passes, key=_order)) if len(passes) > 1 else passes)


def _order(current: Pass | None) -> tuple[object, ...]:
    """Sorts the reconciles: the two operators are interchangeable."""
    return (0,) if current is None else (1, *current)


def _after_deletion(current: Pass | None) -> Pass | None:
    """The write of a deleted object's status fails, so its reconcile is over."""
    return None if current and current.phase == DECIDED else current


def _touched(state: State) -> State:
    """The object has a new resourceVersion: every reconcile that has not written yet will get a conflict."""
    if not any(current and current.phase != ACTING for current in state.passes):
        return state
    passes = tuple(
        current._replace(stale=True) if current and current.phase != ACTING else current for current in state.passes
    )
    return state._replace(passes=passes)


def _job(state: State, index: int, job: JobState | None) -> State:
    changed = () if job is None else (job,)
    return state._replace(jobs=state.jobs[:index] + changed + state.jobs[index + 1 :])
