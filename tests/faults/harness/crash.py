"""Complete crash tests: before and after every write of a scenario, and a second crash during the recovery."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from difflib import unified_diff

from tests.faults.harness.plans import Plan, Run, Step, execute
from tests.faults.harness.subject import Ground, Subject

AT_ONCE = 8
"""Parallel runs: they mostly wait."""


def undisturbed(plan: Plan) -> Plan:
    """The reference run: the same scenario without a fault."""
    return replace(plan, steps=())


def kills(reference: Run) -> Iterator[Plan]:
    """For every write, a crash before it and one after it, each alone and with a second crash.

    The second crash follows the first write of the next process: before that write, nothing has changed.
    """
    for number in range(1, reference.writes + 1):
        for side in ("before", "after"):
            first = Step(side, (number,))
            yield replace(reference.plan, steps=(first,))
            yield replace(reference.plan, steps=(first, Step("after", (1,))))


def lost_replies(reference: Run) -> Iterator[Plan]:
    """For every write: the API server commits it, but its answer is lost."""
    for number in range(1, reference.writes + 1):
        yield replace(reference.plan, steps=(Step("lose", (number,)),))


def dropped_events(reference: Run, widths: Sequence[int] = (1, 3, 8)) -> Iterator[Plan]:
    """Drops every event alone, and windows of several widths."""
    for width in widths:
        for first in range(1, reference.events + 2 - width, max(1, width // 2)):
            last = first + width - 1
            yield replace(reference.plan, steps=(Step("drop", (first, last) if width > 1 else (first,)),))


SWEEPS = {"kills": kills, "lost": lost_replies, "dropped": dropped_events}


def difference(reference: Run, found: Run) -> str:
    """How a run differs from the reference run; empty if it does not."""
    problems = [*found.violations]
    if found.final != reference.final:
        texts = [json.dumps(run.final, indent=1, sort_keys=True).splitlines() for run in (reference, found)]
        problems += unified_diff(*texts, "undisturbed", str(found.plan), lineterm="", n=2)
    return "\n".join([f"{found.plan}: differs", *problems]) if problems else ""


def run_all(ground: Ground, subject: Subject, reference: Run, plans: Iterable[Plan]) -> tuple[list[Run], list[str]]:
    """Runs every plan, several in parallel. Returns the runs, and a text with the id of each failed run."""

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
