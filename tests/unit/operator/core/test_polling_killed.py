"""Polls and the run that one of them starts, with the operator killed at each write: the end is the same."""

import msgspec
import pytest

from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decide import decide
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob
from inference_image_operator.jobs import POLL
from tests.support.world import RESULTS, World
from tests.unit.operator.core.test_polling import NEWER, SAME, found

WRITES = 35
"""Writes of the undisturbed journey; there is no later write to kill at."""


class Killed(World):
    """The operator is killed at write number `at`: that write and the rest of the reconcile are lost."""

    at = -1
    made = 0

    def step(self) -> Decision:
        decision = decide(self.observed(), self.config, self.now)
        if decision.status != self.status:
            if self._dies():
                return decision
            self.status = decision.status
        for action in decision.actions:
            if isinstance(action, (CreateJob, DeleteJob)) and self._dies():
                return decision
            if isinstance(action, CreateJob):
                self.create(action.manifest)
            elif isinstance(action, DeleteJob) and self.jobs[action.name].uid == action.uid:
                self.jobs[action.name] = msgspec.structs.replace(self.jobs[action.name], terminating=True)
        return decision

    def _dies(self) -> bool:
        self.made += 1
        return self.made - 1 == self.at


def journey(world: Killed) -> None:
    """A first image, a poll without new content, a poll with new content, the second image."""
    polls = 0
    for _ in range(200):
        after = world.step().requeue_after
        world.remove_terminating()
        if after == 60:  # a Job was created, and its event causes a reconcile
            world.step()
        live = next((job for job in world.jobs.values() if not job.finished), None)
        if live is None:
            world.advance(seconds=after or 1)
        elif live.stage == POLL:
            polls += 1
            world.end_poll(found(SAME if polls == 1 else NEWER))
        elif world.status.stage and world.status.stage.job == live.name:
            world.finish(NEWER if polls > 1 and live.stage == Stage.RESOLVE else RESULTS[Stage(live.stage)])
        if len(world.status.history) == 2:
            return
    raise AssertionError(f"no second image: {world.status}")


@pytest.mark.parametrize("at", range(-1, WRITES + 1))
def test_a_kill_at_any_write_changes_nothing_in_the_end(at):
    world = Killed()
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "10m"}
    world.at = at
    journey(world)
    assert world.made >= WRITES
    assert [entry.step for entry in world.status.history] == [900, 800]
    assert {kind: status for kind, (status, _) in world.summary().items()} == dict.fromkeys(
        ("Ready", "Resolved", "Exported", "Built", "Tested", "Published"), "True"
    )
    assert world.status.run.restart_count == 1
    names = [job["metadata"]["name"] for job in world.created]
    runs = [name for name in names if "-poll-" not in name]
    assert len(runs) == len(set(runs)) == 10
    assert len(names) == 12
