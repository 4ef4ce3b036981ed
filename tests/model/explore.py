"""Visits and checks every reachable state of a scenario, and proves that each can come to rest."""

from array import array
from dataclasses import dataclass
from itertools import pairwise

from tests.model import invariants
from tests.model.invariants import InvariantViolation, require
from tests.model.specs import Scenario
from tests.model.state import State, View
from tests.model.transitions import Transitions


@dataclass(frozen=True)
class Found:
    """The size of an exploration."""

    scenario: str
    states: int
    transitions: int
    statuses: int
    attempts: int
    """The highest attempt of any stage."""

    def __str__(self) -> str:
        return (
            f"{self.scenario}: {self.states:,} states, {self.transitions:,} transitions, "
            f"{self.statuses:,} different statuses, up to attempt {self.attempts}"
        )


class Exploration:
    """Breadth first, so that the path to a violation is a shortest one."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._world = Transitions(scenario)
        self._states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._parents = array("l")
        self._sources, self._targets = array("l"), array("l")
        self._transitions = 0
        self._resting: list[int] = []

    def run(self) -> Found:
        """Visits every state. Raises InvariantViolation, with the path to the state, if an invariant does not hold."""
        self._add(self._world.start(), -1)
        number = 0
        while number < len(self._states):
            self._visit(number)
            number += 1
        self._check_rest()
        return Found(
            scenario=self._scenario.name,
            states=len(self._states),
            transitions=self._transitions,
            statuses=len(self._world.decisions.statuses),
            attempts=max(origin.attempt for origin in self._world.decisions.origins.values()),
        )

    def _visit(self, number: int) -> None:
        state = self._states[number]
        try:
            self._check(state)
            if self._rests(state):
                self._resting.append(number)
            for step in self._world.steps(state):
                self._transitions += 1
                target = self._add(self._world.tidy(step.state), number)
                if not step.fault and target != number:
                    self._sources.append(number)
                    self._targets.append(target)
        except InvariantViolation as violation:
            raise InvariantViolation(f"{violation}\n{self.path(number)}") from violation

    def _add(self, state: State, parent: int) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
            self._parents.append(parent)
        return number

    def _check(self, state: State) -> None:
        decisions = self._world.decisions
        invariants.check_state(state, decisions.statuses[state.status], decisions.versions)
        if state.gone or any(state.passes):
            return
        view = View(state.status, state.version, state.deleting, state.jobs)
        now = decisions.verdict(view, state.late)
        if now.changed or now.actions:
            return
        if state.late == 0:
            later = decisions.verdict(view, 1)
            moves = later.changed or later.actions
            require(now.requeue or not moves, "only time can help, but the decision requests no requeue")
        invariants.check_at_rest(state, decisions.statuses[state.status], decisions.versions[state.version])

    def _rests(self, state: State) -> bool:
        """Whether nothing is left to do: the object is settled or suspended, or gone with all its Jobs."""
        if any(state.passes) or not all(job.finished for job in state.jobs):
            return False
        if state.gone or state.deleting:
            return state.gone and not state.jobs
        decisions = self._world.decisions
        view = View(state.status, state.version, deleting=False, jobs=state.jobs)
        if decisions.settled(view):
            return True
        verdict = decisions.verdict(view, state.late)
        return decisions.versions[state.version].suspend and not verdict.changed and not verdict.actions

    def _check_rest(self) -> None:
        """From every state, a state of rest is reachable without a fault and without a user's step.

        Every successor without a fault is itself a checked state. So there is no cycle without an exit: with fairness,
        rest is not only possible but certain.
        """
        before: list[list[int]] = [[] for _ in self._states]
        for source, target in zip(self._sources, self._targets, strict=True):
            before[target].append(source)
        reached = bytearray(len(self._states))
        front = list(self._resting)
        for number in front:
            reached[number] = 1
        while front:
            number = front.pop()
            for source in before[number]:
                if not reached[source]:
                    reached[source] = 1
                    front.append(source)
        if not all(reached):
            raise InvariantViolation(f"no state of rest is reachable from here\n{self.path(reached.index(0))}")

    def path(self, number: int) -> str:
        """The path to this state, as text."""
        states = []
        while number >= 0:
            states.append(self._states[number])
            number = self._parents[number]
        states.reverse()
        lines = [f"  {self._describe(states[0])}"]
        for state, then in pairwise(states):
            label = next(step.label for step in self._world.steps(state) if self._world.tidy(step.state) == then)
            lines.append(f"{label}\n  {self._describe(then)}")
        return "\n".join(lines)

    def _describe(self, state: State) -> str:
        status = self._world.decisions.statuses[state.status]
        stage = f"{status.stage.name} {status.stage.job} uid={status.stage.job_uid}" if status.stage else "no stage"
        conditions = " ".join(f"{c.type}={c.status}" for c in status.conditions)
        jobs = " ".join(f"{job.uid}:{job.phase}{' terminating' * job.terminating}" for job in state.jobs)
        passes = " ".join(
            f"{current.phase}{' stale' * current.stale}{[tuple(a)[:2] for a in current.actions]}"
            for current in state.passes
            if current
        )
        return f"version {state.version} late {state.late} | {stage} | {conditions} | {jobs or 'no Jobs'} | {passes}"
