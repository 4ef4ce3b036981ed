"""Claims of an earlier version: its status lacks what this version pins, and its Test stage publishes."""

import pytest
from msgspec.structs import replace

from inference_image_operator.api.stages import Stage
from inference_image_operator.core.earlier import PIN_AGAIN
from tests.support.world import START, World


def claimed_earlier(world: World, stage: Stage) -> World:
    """A claim of this stage without a Job, in a status whose fields had other names."""
    world.run_to(stage)
    world.jobs.clear()
    world.created.clear()
    claim = replace(world.status.stage, job_uid=None)
    run = replace(world.status.run, inputs_hash="")
    world.status = replace(world.status, input_lock=None, produced=None, run=run, stage=claim)
    return world


def stages(world: World) -> list[str]:
    return [manifest["metadata"]["labels"]["uai.ucloud.cn/stage"] for manifest in world.created]


@pytest.mark.parametrize("stage", [Stage.EXPORT, Stage.BUILD])
def test_a_run_without_pinned_inputs_pins_them_again_and_comes_to_its_end(stage):
    world = claimed_earlier(World(), stage)
    world.step()
    assert world.condition("Resolved").message == PIN_AGAIN
    assert world.status.run.resolve_count == 2
    world.run_whole()
    assert stages(world) == ["Resolve", "Export", "Build", "Test", "Publish"]
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.status.input_lock is not None


@pytest.mark.parametrize(("stage", "follows"), [(Stage.TEST, ["Test", "Publish"]), (Stage.PUBLISH, ["Publish"])])
def test_a_stage_that_reads_no_inputs_goes_on(stage, follows):
    world = claimed_earlier(World(), stage)
    world.run_whole()
    assert stages(world) == follows
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_test_that_runs_the_graph_reads_the_inputs():
    world = World()
    world.spec["test"] = {"matchGraph": True, "sample": "uai/sample.jpg"}
    claimed_earlier(world, Stage.TEST).run_whole()
    assert stages(world) == ["Resolve", "Export", "Build", "Test", "Publish"]


@pytest.mark.parametrize("kept", ["input_lock", "run"])
def test_a_run_with_a_part_of_what_is_pinned_pins_again(kept):
    world = World()
    world.run_to(Stage.BUILD)
    whole = world.status
    claimed_earlier(world, Stage.BUILD)
    world.status = replace(world.status, **{kept: getattr(whole, kept)})
    world.run_whole()
    assert stages(world)[0] == "Resolve"


def test_a_run_that_pins_again_waits_for_its_place_in_the_queue():
    world = claimed_earlier(World(), Stage.BUILD)
    world.queue_position = 3
    world.settle()
    assert stages(world) == []
    assert world.summary()["Resolved"] == ("Unknown", "Queued")
    world.queue_position = None
    world.run_whole()
    assert stages(world)[0] == "Resolve"


def test_a_suspended_run_waits_before_it_pins_again():
    world = World()
    claimed_earlier(world, Stage.BUILD)
    world.spec["suspend"] = True
    world.settle()
    assert stages(world) == []
    world.spec["suspend"] = False
    world.run_whole()
    assert stages(world)[0] == "Resolve"


@pytest.mark.parametrize("retry_at", [None, START], ids=["first attempt", "second attempt"])
def test_the_test_stage_of_an_object_without_a_test_is_left_out(retry_at):
    """An earlier version published in that stage, also without a test."""
    world = World()
    world.spec["test"] = {"enabled": False}
    world.run_to(Stage.PUBLISH)
    claim = replace(world.status.stage, name=Stage.TEST, job_uid=None, retry_at=retry_at)
    world.jobs.clear()
    world.created.clear()
    world.status = replace(world.status, stage=claim)
    world.run_whole()
    assert stages(world) == ["Publish"]
    assert world.summary()["Tested"] == ("True", "TestDisabled")
