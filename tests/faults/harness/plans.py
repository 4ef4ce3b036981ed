"""A plan: one scenario of one subject, with its faults. Its id has everything that a rerun needs.

`image/edit/after-7+after-1`: in the scenario `edit` of the subject `image`, the operator is killed after its 7th
write, and again after the first write of its second process.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.injected import DropEvents, KillAtWrite, LoseReply
from tests.faults.harness.proxy import Fault
from tests.faults.harness.subject import Bench, Ground, Scenario, Subject, bench

QUIET = 0.7
"""Seconds without a request after which an operator counts as idle."""
LATE = 3.0
"""Seconds after the end of the scenario in which a fault may still occur."""


@dataclass(frozen=True)
class Step:
    """One fault: `before-3`, `after-3` (a kill at the third write), `lose-3` (its reply lost), `drop-3-5` (events)."""

    kind: str
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """The fault's text in the id."""
        return "-".join((self.kind, *map(str, self.numbers)))


@dataclass(frozen=True)
class Plan:
    """A scenario and its faults."""

    subject: str
    scenario: str
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        """The id."""
        return "/".join((self.subject, self.scenario, "+".join(map(str, self.steps)) or "undisturbed"))


@dataclass(frozen=True)
class Run:
    """The result of a plan."""

    plan: Plan
    final: Any
    violations: list[str]
    writes: int
    events: int
    hit: bool
    """Whether every fault of the plan occurred."""
    seconds: float


def parse(text: str) -> Plan:
    """Parses a plan's id. Raises ValueError."""
    subject, scenario, steps = text.split("/")
    if steps == "undisturbed":
        return Plan(subject, scenario)
    found = []
    for step in steps.split("+"):
        kind, *numbers = step.split("-")
        if kind not in ("before", "after", "lose", "drop") or not numbers:
            raise ValueError(f"{step} is no step: before-N, after-N, lose-N, drop-N or drop-N-M")
        found.append(Step(kind, tuple(map(int, numbers))))
    return Plan(subject, scenario, tuple(found))


def execute(ground: Ground, subject: Subject, plan: Plan) -> Run:
    """Runs the plan in a new namespace.

    Raises AssertionError, with requests and log, if the scenario does not reach its end.
    """
    started = time.monotonic()
    scenario: Scenario = subject.scenarios[plan.scenario]
    drops = any(step.kind == "drop" for step in plan.steps)
    settings = {"resync": "2s"} if drops else {}
    found = bench(ground, subject, scenario.outcomes, **{**subject.settings, **settings})
    try:
        faults = _arm(found, plan.steps)
        found.operator.start()
        scenario.drive(found)
        hit = _all_hit(faults)
        _until_quiet(found)
        return Run(
            plan=plan,
            final=subject.final(found),
            violations=[*subject.violations(found.audited()), *_unasked_ends(found, faults)],
            writes=len(found.proxy.writes),
            events=sum(request.events for request in [*found.proxy.requests]),
            hit=hit,
            seconds=time.monotonic() - started,
        )
    finally:
        found.operator.stop()
        found.proxy.stop()


def _arm(found: Bench, steps: Sequence[Step]) -> list[Fault]:
    """The faults of all steps. The number of a kill counts from the previous kill."""
    faults: list[Fault] = []
    for step in steps:
        match step.kind:
            case "before" | "after":
                base = next((f for f in reversed(faults) if isinstance(f, KillAtWrite)), None)
                faults.append(
                    KillAtWrite(found.operator.kill, step.numbers[0], after=step.kind == "after", following=base)
                )
            case "lose":
                faults.append(LoseReply(lambda request: bool(request.write), step.numbers[0]))
            case _:
                faults.append(DropEvents(step.numbers[0], step.numbers[-1]))
    for fault in faults:
        found.proxy.add(fault)
    return faults


def _unasked_ends(found: Bench, faults: Sequence[Fault]) -> list[str]:
    """Processes that ended without a kill: crashes that a restart hides."""
    kills = sum(isinstance(fault, KillAtWrite) and fault.fired for fault in faults)
    starts = found.operator.starts  # a kill at the very end may have no restart
    return [f"the operator was started {starts} times for {kills} kills"] if starts > kills + 1 else []


def _all_hit(faults: Sequence[Fault]) -> bool:
    """Whether all faults occurred; the last may occur shortly after the end of the scenario."""
    deadline = time.monotonic() + LATE
    while not all(fault.fired for fault in faults):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _until_quiet(found: Bench) -> None:
    """Waits until the operator runs, has made its first reads, and is idle."""

    def quiet() -> bool:
        requests = [*found.proxy.requests]
        watches = [request for request in requests if request.verb == "watch" and request.came >= found.operator.since]
        rest = [request for request in requests if request.verb != "watch" and "resync" not in request.path]
        return bool(watches) and time.monotonic() - max(r.came for r in rest) > QUIET

    found.until("the operator has nothing more to do", quiet)
