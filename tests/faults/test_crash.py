"""Rows 1, 2, 4 and 13: a crash at every write, every event dropped, every reply lost; compared with a reference run."""

import pytest

from tests.faults.harness import crash
from tests.faults.harness.plans import Plan, execute
from tests.faults.image.subject import SUBJECT

KILLS = pytest.mark.row(1, "killed before and after every write: success, failure, retry, edit, delete")
TWICE = pytest.mark.row(2, "killed again after the first write of the recovery, for each")
DROPPED = pytest.mark.row(4, "every watch event dropped, and every window of 3 and of 8")
LOST = pytest.mark.row(13, "the reply to every write lost after the commit")


PLAIN = [name for name in SUBJECT.scenarios if name != "rollout"]


def sweep(ground, kind: str, scenario: str, every: int = 1) -> None:
    reference = execute(ground, SUBJECT, Plan(SUBJECT.name, scenario))
    assert reference.violations == []
    plans = list(crash.SWEEPS[kind](reference))[::every]
    runs, problems = crash.run_all(ground, SUBJECT, reference, plans)
    assert not problems, "\n\n".join(problems)
    assert sum(run.hit for run in runs) >= 0.8 * len(plans), "most faults must occur"


@KILLS
@TWICE
@pytest.mark.long
@pytest.mark.parametrize("scenario", PLAIN)
def test_killed_at_every_write(ground, scenario):
    sweep(ground, "kills", scenario)


@pytest.mark.row(1, "a fixed seventh of the kills in an edit")
def test_killed_at_some_writes(ground):
    sweep(ground, "kills", "edit", every=7)


@DROPPED
@pytest.mark.long
@pytest.mark.parametrize("scenario", ["success", "edit"])
def test_every_event_dropped(ground, scenario):
    sweep(ground, "dropped", scenario)


@pytest.mark.row(4, "a fixed ninth of the drops in a success")
def test_some_events_dropped(ground):
    sweep(ground, "dropped", "success", every=9)


@LOST
@pytest.mark.long
@pytest.mark.parametrize("scenario", PLAIN)
def test_every_reply_lost(ground, scenario):
    sweep(ground, "lost", scenario)


@pytest.mark.row(13, "a fixed quarter of the lost replies in a success")
def test_some_replies_lost(ground):
    sweep(ground, "lost", "success", every=4)


@pytest.mark.row(1, "the same of a rollout and of a way back")
@pytest.mark.row(2, "the same of a rollout and of a way back")
@pytest.mark.long
def test_killed_at_every_write_of_a_rollout(ground):
    sweep(ground, "kills", "rollout")


@pytest.mark.row(1, "a fixed ninth of the kills in a rollout")
def test_killed_at_some_writes_of_a_rollout(ground):
    sweep(ground, "kills", "rollout", every=9)


@pytest.mark.row(13, "the same of a rollout and of a way back")
@pytest.mark.long
def test_every_reply_of_a_rollout_lost(ground):
    sweep(ground, "lost", "rollout")
