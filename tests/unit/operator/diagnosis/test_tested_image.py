"""The image under test: out of memory, crashing or without an answer. The failure always has its log."""

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.observed import Container
from tests.support.world import World, report

LOG = "Loading the model\nTraceback: ...\nValueError: No op named FusedBatchNormV3"
NOT_LOADED = results.Failed(reason=Reason.IMAGE_DOES_NOT_LOAD.value, message="It is not ready.", hint="Look.")
WRONG = results.Failed(reason=Reason.IMAGE_ANSWERS_WRONG.value, message="It gave nothing.", hint="Look.")


def image(**state) -> Container:
    return Container(name="image", log=LOG, **state)


def probe(failed: results.Failed) -> Container:
    return report("probe", results.encode(failed), ExitCode.BAD_INPUT, "Error")


@pytest.fixture
def world() -> World:
    world = World()
    world.run_to(Stage.TEST)
    return world


@pytest.mark.parametrize("live", [False, True], ids=["the probe gave up", "the probe still waits"])
def test_an_image_out_of_memory_is_retried_once_with_twice_the_memory(world, live):
    killed = image(exit_code=137, ended="OOMKilled", restarts=1, killed=True)
    if live:
        world.early_check = True  # its back-off is a Warning Event
        world.set_pod(killed)
        world.settle()
        assert world.claimed.terminating
        world.remove_terminating()
    else:
        world.fail(killed, probe(NOT_LOADED))
    world.settle()
    assert world.condition("Ready").reason == "OutOfMemory"
    assert "Raise the memory limit in spec.test.resources" in world.condition("Ready").message
    assert (world.status.stage.memory.container, world.status.stage.memory.limit) == ("image", "6144Mi")
    assert world.status.last_failure.log_tail == LOG
    world.advance(minutes=1)
    world.settle()
    (found,) = (c for c in world.created[-1]["spec"]["template"]["spec"]["initContainers"] if c["name"] == "image")
    assert found["resources"]["limits"]["memory"] == "6144Mi"
    world.fail(killed, probe(NOT_LOADED))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "OutOfMemory")


@pytest.mark.parametrize(
    ("containers", "reason"),
    [
        ((image(), probe(WRONG)), "ImageAnswersWrong"),
        ((image(exit_code=1, ended="Error", restarts=1), probe(NOT_LOADED)), "ImageDoesNotStart"),
        ((image(), report("probe", "Killed", 137, "Error")), "ContainerFailed"),
        ((image(), report("probe", "Killed", 137, "OOMKilled")), "OutOfMemory"),
        ((image(),), "PodLost"),
    ],
)
def test_the_images_log_is_kept_after_every_failed_test(world, containers, reason):
    world.fail(*containers)
    world.settle()
    failure = world.status.last_failure
    assert (failure.reason, failure.log_tail) == (reason, LOG)


def test_the_images_log_is_kept_after_a_timeout(world):
    world.fail(image(), reason="DeadlineExceeded")
    world.settle()
    assert (world.status.last_failure.reason, world.status.last_failure.log_tail) == ("TimedOut", LOG)


def test_the_log_is_redacted_and_cut_at_its_beginning(world):
    log = "x" * 5000 + "\npassword=hunter2-of-somebody\nthe end"
    world.fail(msgspec.structs.replace(image(), log=log), probe(WRONG))
    world.settle()
    tail = world.status.last_failure.log_tail
    assert (len(tail), tail.endswith("password=***\nthe end")) == (2048, True)


def test_an_image_killed_at_the_end_of_its_pod_is_not_out_of_memory(world):
    world.fail(image(exit_code=137, ended="Error"), probe(WRONG))
    world.settle()
    assert world.status.last_failure.reason == "ImageAnswersWrong"
