"""Which watch events lead to a pass, and how soon."""

import copy

import pytest

from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.runtime.handlers import EVENT_DEBOUNCE, image_event_delay, job_event_delay
from tests.support.world import World


def image(world, **meta):
    metadata = {"name": "detector", "namespace": "n", "uid": world.uid, "generation": world.generation} | meta
    return {"metadata": metadata, "spec": copy.deepcopy(world.spec), "status": write(world.status)}


def claimed():
    """The claim is written, its Job not seen yet."""
    world = World()
    world.step()
    return world


def at_work():
    """The Job's uid is in the status."""
    world = World()
    world.run_to(Stage.EXPORT)
    return world


def done():
    world = World()
    world.run_whole()
    return world


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
def test_a_new_object_is_answered_at_once(kind):
    assert image_event_delay(kind, image(World())) == 0


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED", "DELETED"])
def test_a_settled_object_asks_for_nothing(kind):
    assert image_event_delay(kind, image(done())) is None


@pytest.mark.parametrize("world", [claimed, at_work, done])
def test_an_edit_and_a_request_are_answered_at_once(world):
    assert image_event_delay("MODIFIED", image(world(), generation=2)) == 0
    request = {"uai.ucloud.cn/requestedAt": "now"}
    assert image_event_delay("MODIFIED", image(world(), annotations=request)) == 0


@pytest.mark.parametrize("world", [claimed, at_work, done])
def test_a_wiped_status_is_answered_at_once(world):
    assert image_event_delay("MODIFIED", image(world()) | {"status": {}}) == 0


def test_the_echo_of_a_claim_is_gathered_with_the_news_of_its_job():
    assert image_event_delay("MODIFIED", image(claimed())) == POD_CHECK_DELAY


def test_the_echo_of_a_recorded_job_asks_for_nothing():
    assert image_event_delay("MODIFIED", image(at_work())) is None


@pytest.mark.parametrize("kind", [None, "ADDED"])
def test_an_object_at_work_is_looked_at_when_it_is_listed_or_restored(kind):
    assert image_event_delay(kind, image(at_work())) == EVENT_DEBOUNCE


def test_a_deleted_object_asks_for_nothing():
    assert image_event_delay("DELETED", image(at_work())) is None


@pytest.mark.parametrize(
    ("kind", "condition", "status", "after"),
    [
        ("ADDED", None, "", POD_CHECK_DELAY),
        ("MODIFIED", "Suspended", "True", EVENT_DEBOUNCE),
        ("MODIFIED", "Suspended", "False", EVENT_DEBOUNCE),
        ("MODIFIED", "SuccessCriteriaMet", "True", POD_CHECK_DELAY),
        ("MODIFIED", "Complete", "False", POD_CHECK_DELAY),
        ("MODIFIED", "Complete", "True", 0),
        ("MODIFIED", "Failed", "True", 0),
        (None, "Complete", "True", 0),
        ("DELETED", None, "", 0),
    ],
)
def test_the_end_of_a_job_is_answered_at_once_and_its_progress_is_gathered(kind, condition, status, after):
    conditions = [{"type": condition, "status": status}] if condition else []
    assert job_event_delay(kind, {"status": {"conditions": conditions}}) == after
