"""When the pods of a waiting Job are checked, and what an object says that waits for a retry."""

import pytest

from inference_image_contract import results
from inference_image_contract.reasons import Reason
from inference_image_operator.api import Status
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.waiting import is_queued
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from tests.support.world import World, report


@pytest.mark.parametrize(("seconds", "again"), [(1, 59), (59, 1), (60, 60), (90, 90), (900, 300)])
def test_the_next_check_comes_after_as_long_as_the_pod_has_waited(seconds, again):
    """An early reconcile does not delay the first one."""
    world = World()
    world.step()
    world.step()
    world.advance(seconds=seconds)
    if seconds >= POD_CHECK_DELAY:
        world.set_pod(phase="Pending")
    assert world.step().requeue_after == again


def test_an_object_that_is_resumed_says_again_when_its_next_attempt_starts():
    world = World()
    world.run_to(Stage.EXPORT)
    failed = results.Failed(reason=Reason.UFILE_UNAVAILABLE, message="No answer.", hint="")
    world.fail(report("export", results.encode(failed), Reason.UFILE_UNAVAILABLE.exit_code, "Error"))
    world.settle()
    for generation, suspend in ((2, True), (3, False)):
        world.spec["suspend"], world.generation = suspend, generation
        world.settle()
        assert (world.condition("Ready").reason == "Suspended") is suspend
        assert world.status.stage.suspended is suspend
    ready = world.condition("Ready")
    assert (ready.status, ready.reason) == ("Unknown", "Exporting")
    assert ready.message.startswith("Attempt 2 starts at ")
    assert len(world.created) == 2, "it still waits"


def test_who_is_in_the_queue():
    assert not is_queued(Status())
    world = World()
    world.settle()
    assert not is_queued(world.status)
    waiting = World(queue_position=3)
    waiting.settle()
    assert is_queued(waiting.status)
