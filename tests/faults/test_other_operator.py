"""The harness on another operator: it finds no fault in a correct one, and the bug in a faulty one."""

import tempfile
from pathlib import Path

import pytest

from tests.faults.harness import crash
from tests.faults.harness.plane import fault_plane
from tests.faults.harness.plans import Plan, execute
from tests.faults.harness.subject import Ground
from tests.faults.other.subject import SUBJECT, subject


@pytest.fixture(scope="module")
def own_ground(loop):
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as directory,
        fault_plane(SUBJECT.stage_label, SUBJECT.audited, Path(directory)) as found,
    ):
        SUBJECT.install(found.api())
        yield Ground(found, loop, Path(directory))


def kills(ground, found, scenario: str, every: int = 1) -> list[str]:
    reference = execute(ground, found, Plan(found.name, scenario))
    plans = list(crash.kills(reference))[::every]
    return crash.run_all(ground, found, reference, plans)[1]


@pytest.mark.long
@pytest.mark.parametrize("scenario", SUBJECT.scenarios)
def test_a_correct_operator_of_another_kind_passes(own_ground, scenario):
    problems = kills(own_ground, SUBJECT, scenario, every=2)
    assert not problems, "\n\n".join(problems)


@pytest.mark.parametrize("bug", ["generated", "noted"])
def test_the_bug_of_a_faulty_operator_is_found(own_ground, bug):
    problems = kills(own_ground, subject(bug=bug), "create")
    assert any(problem.startswith("mirror/create/after-") for problem in problems), problems
