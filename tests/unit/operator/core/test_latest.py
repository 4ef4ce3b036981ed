"""Policy Latest: it waits for the first checkpoint, and goes back to an older one only when asked."""

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decision import Emit
from inference_image_operator.observed import Container
from tests.support.world import RESULTS, World, report

STEP_800 = RESULTS[Stage.RESOLVE]
STEP_700 = msgspec.structs.replace(STEP_800, step=700, inputs_hash="sha256:" + "7" * 64)
MISSING = results.Failed(reason="CheckpointNotFound", message="uai/out/ has no checkpoint.", hint="Check it.")


def missing() -> Container:
    return report("resolve", results.encode(MISSING), ExitCode.NOT_FOUND, "Error")


def following(**checkpoint: str) -> World:
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "10m", **checkpoint}
    return world


def poll_with(world: World, container: Container, reason: str = "") -> None:
    """Lets the next poll become due and end so."""
    world.advance(minutes=11)
    for _ in range(3):
        world.step()
        world.remove_terminating()
    world.end_poll(container, reason)
    world.settle()


@pytest.fixture
def waiting() -> World:
    world = following(waitFor="1h")
    world.settle()
    world.fail(missing())
    world.settle()
    return world


def test_before_the_first_checkpoint_the_object_is_in_progress(waiting):
    assert waiting.summary()["Ready"] == ("False", "CheckpointNotFound")
    assert waiting.summary()["Reconciling"] == ("True", "CheckpointNotFound")
    assert "Stalled" not in waiting.summary()
    text = waiting.condition("Ready").message
    assert "polls every 10m until 2026-01-31T10:30:10Z (spec.model.checkpoint.waitFor)" in text
    assert waiting.emitted[-1] == Emit(type="Normal", reason="CheckpointNotFound", message=text)


def test_a_poll_without_a_checkpoint_says_nothing_new(waiting):
    events = len(waiting.emitted)
    poll_with(waiting, missing(), "BackoffLimitExceeded")
    assert "PollFailed" not in waiting.summary()
    assert waiting.summary()["Reconciling"] == ("True", "CheckpointNotFound")
    assert len(waiting.emitted) == events
    assert waiting.status.last_poll_time == waiting.now


def test_a_poll_that_fails_otherwise_is_reported(waiting):
    other = results.Failed(reason="UFileForbidden", message="No.", hint="Fix it.")
    poll_with(waiting, report("resolve", results.encode(other), ExitCode.FORBIDDEN, "Error"), "BackoffLimitExceeded")
    assert waiting.summary()["PollFailed"] == ("True", "UFileForbidden")
    assert waiting.summary()["Reconciling"] == ("True", "CheckpointNotFound")


def test_after_the_deadline_the_object_is_stalled_once_and_polled_on(waiting):
    for _ in range(6):
        poll_with(waiting, missing(), "BackoffLimitExceeded")
    assert waiting.summary()["Stalled"] == ("True", "CheckpointNotFound")
    assert "Reconciling" not in waiting.summary()
    assert waiting.condition("Ready").message == (
        "No checkpoint appeared under uai/object-train-output/ within 1h. Check model.prefix and the training. Polling "
        "goes on, and a checkpoint starts a run."
    )
    assert len([emit for emit in waiting.emitted if emit.message.startswith("No checkpoint appeared")]) == 1
    poll_with(waiting, report("resolve", results.encode(STEP_800)))
    assert waiting.summary()["Ready"] == ("Unknown", "Resolving")


def test_the_deadline_is_due_even_if_no_poll_is(waiting):
    waiting.spec["model"]["checkpoint"]["poll"] = "2h"
    assert waiting.step().requeue_after == 3600
    waiting.advance(seconds=3600)
    waiting.step()
    assert waiting.summary()["Stalled"] == ("True", "CheckpointNotFound")


@pytest.mark.parametrize(
    "checkpoint", [{"policy": "Latest"}, {"step": 800}], ids=["Latest without poll", "a fixed step"]
)
def test_without_polls_nobody_waits(checkpoint):
    world = World()
    world.spec["model"]["checkpoint"] = checkpoint
    world.settle()
    world.fail(missing())
    world.settle()
    assert world.summary()["Stalled"] == ("True", "CheckpointNotFound")


def test_a_published_object_does_not_wait():
    world = following()
    world.run_whole()
    world.request = "again"
    world.settle()
    world.fail(missing())
    world.settle()
    assert world.summary()["Stalled"] == ("True", "CheckpointNotFound")


@pytest.fixture
def published() -> World:
    world = following()
    world.run_whole()
    return world


OLDER = "The newest complete checkpoint is step 700, older than step 800, which is published."


def test_a_poll_does_not_go_back(published):
    poll_with(published, report("resolve", results.encode(STEP_700)))
    assert published.summary()["Ready"] == ("True", "Published")
    assert published.summary()["PollFailed"] == ("True", "CheckpointOlder")
    assert published.condition("PollFailed").message.startswith(OLDER)
    assert published.emitted[-1].reason == "CheckpointOlder"
    assert published.status.checkpoint.step == 800
    poll_with(published, report("resolve", results.encode(STEP_800)))
    assert "PollFailed" not in published.summary()


def test_an_edit_does_not_go_back(published):
    published.spec["image"]["tags"], published.generation = ["other"], 2
    published.settle()
    published.finish(STEP_700)
    published.settle()
    assert published.summary()["Stalled"] == ("True", "CheckpointOlder")
    assert published.condition("Ready").message.startswith(OLDER)
    assert published.status.checkpoint.step == 800


def test_a_requested_run_goes_back_and_says_so(published):
    published.request = "again"
    published.settle()
    published.finish(STEP_700)
    published.run_whole()
    assert published.status.history[0].step == 700
    assert [emit.message for emit in published.emitted if emit.reason == "CheckpointOlder"] == [
        f"{OLDER} The requested run goes back to it."
    ]


def test_another_training_starts_at_its_first_step(published):
    elsewhere = (PinnedObject(key="uai/second/model.ckpt-700.index", size=10, etag="e"),)
    published.spec["model"]["prefix"], published.generation = "uai/second/", 2
    published.settle()
    published.finish(msgspec.structs.replace(STEP_700, files=elsewhere))
    published.run_whole()
    assert published.status.history[0].step == 700
