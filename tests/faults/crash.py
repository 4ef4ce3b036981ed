"""Crash testing without gaps: every write of a scenario, before and after it, and a second crash during recovery."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from difflib import unified_diff

from tests.faults.plans import Plan, Run, Step, execute
from tests.faults.subject import Ground, Subject

AT_ONCE = 8
"""Runs at a time: they wait more than they work."""


def undisturbed(plan: Plan) -> Plan:
    """The same scenario without a fault."""
    return replace(plan, steps=())


def kills(reference: Run) -> Iterator[Plan]:
    """For every write a crash before and one after it, alone and followed by a second one.

    The second comes after the first write of the next life: before it, nothing would have changed since the first.
    """
    for number in range(1, reference.writes + 1):
        for side in ("before", "after"):
            first = Step(side, (number,))
            yield replace(reference.plan, steps=(first,))
            yield replace(reference.plan, steps=(first, Step("after", (1,))))


def lost_replies(reference: Run) -> Iterator[Plan]:
    """For every write: it is done, and the operator is not told."""
    for number in range(1, reference.writes + 1):
        yield replace(reference.plan, steps=(Step("lose", (number,)),))


def dropped_events(reference: Run, widths: Sequence[int] = (1, 3, 8)) -> Iterator[Plan]:
    """Every event by itself, and windows of several widths over all of them."""
    for width in widths:
        for first in range(1, reference.events + 2 - width, max(1, width // 2)):
            last = first + width - 1
            yield replace(reference.plan, steps=(Step("drop", (first, last) if width > 1 else (first,)),))


SWEEPS = {"kills": kills, "lost": lost_replies, "dropped": dropped_events}


def difference(reference: Run, found: Run) -> str:
    """What a run did otherwise than the undisturbed one; empty when nothing."""
    problems = [*found.violations]
    if found.final != reference.final:
        texts = [json.dumps(run.final, indent=1, sort_keys=True).splitlines() for run in (reference, found)]
        problems += unified_diff(*texts, "undisturbed", str(found.plan), lineterm="", n=2)
    return "\n".join([f"{found.plan}: differs", *problems]) if problems else ""


def run_all(ground: Ground, subject: Subject, reference: Run, plans: Iterable[Plan]) -> tuple[list[Run], list[str]]:
    """Runs every plan, several at a time; returns the runs, and a text for each that failed, with its id."""

    def one(plan: Plan) -> tuple[Run | None, str]:
        try:
            found = execute(ground, subject, plan)
        except AssertionError as error:
            return None, f"{plan}: {error}"
        return found, difference(reference, found)

    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(one, plans))
    runs = [found for found, _ in results if found]
    problems = [text for _, text in results if text]
    missed = [str(run.plan) for run in runs if not run.hit]
    seconds = time.monotonic() - started
    print(
        f"{reference.plan.subject}/{reference.plan.scenario}: {len(results)} plans in {seconds:.0f} s, "
        f"{len(problems)} failed, {len(missed)} whose fault never came: {' '.join(missed)}"
    )
    return runs, problems
