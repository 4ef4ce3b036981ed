"""Runs plans by hand: `python -m tests.faults run PLAN-ID`, `… sweep kills SUBJECT SCENARIO`."""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.harness import crash
from tests.faults.harness.plane import fault_plane
from tests.faults.harness.plans import Plan, execute, parse
from tests.faults.harness.proxy import proxies
from tests.faults.harness.subject import Ground
from tests.faults.image.subject import SUBJECT
from tests.faults.other.subject import SUBJECT as OTHER

SUBJECTS = {subject.name: subject for subject in (SUBJECT, OTHER)}


@contextlib.contextmanager
def stage(name: str) -> Iterator[Ground]:
    """The control plane, the proxies and a scratch directory for one subject."""
    subject = SUBJECTS[name]
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as directory,
        fault_plane(subject.stage_label, subject.audited, Path(directory)) as plane,
        proxies() as loop,
    ):
        subject.install(plane.api())
        yield Ground(plane, loop, Path(directory))


def main() -> int:
    """Returns 1 if a run differs from the reference run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="one plan, compared with the undisturbed run")
    one.add_argument("plan", type=parse)
    every = commands.add_parser("sweep", help="every plan of one kind: kills, lost or dropped")
    every.add_argument("kind", choices=sorted(crash.SWEEPS))
    every.add_argument("subject", choices=sorted(SUBJECTS))
    every.add_argument("scenario", nargs="*")
    arguments = parser.parse_args()
    return _sweep(arguments) if arguments.command == "sweep" else _run(arguments.plan)


def _sweep(arguments: argparse.Namespace) -> int:
    subject = SUBJECTS[arguments.subject]
    failed = 0
    with stage(subject.name) as ground:
        for scenario in arguments.scenario or subject.scenarios:
            reference = execute(ground, subject, Plan(subject.name, scenario))
            plans = crash.SWEEPS[arguments.kind](reference)
            for problem in crash.run_all(ground, subject, reference, plans)[1]:
                failed += 1
                print(problem)
    return bool(failed)


def _run(plan: Plan) -> int:
    subject = SUBJECTS[plan.subject]
    with stage(subject.name) as ground:
        reference = execute(ground, subject, crash.undisturbed(plan))
        found = execute(ground, subject, plan)
        print(json.dumps(found.final, indent=1))
        problem = crash.difference(reference, found)
        print(problem or f"{found.plan}: as the undisturbed run, {found.writes} writes, {found.seconds:.1f} s")
    return bool(problem)


if __name__ == "__main__":
    sys.exit(main())
