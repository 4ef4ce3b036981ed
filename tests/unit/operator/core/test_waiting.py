"""When the pods of a waiting Job are checked."""

import pytest

from tests.support.world import World


@pytest.mark.parametrize(("seconds", "again"), [(1, 15), (5, 15), (6, 14), (19, 1), (20, 15), (34, 15)])
def test_an_early_reconcile_does_not_delay_the_first_check(seconds, again):
    world = World()
    world.step()
    world.step()
    world.advance(seconds=seconds)
    if seconds >= 20:
        world.set_pod(phase="Pending")
    assert world.step().requeue_after == again
