"""Which watch events cause a reconcile, and after which delay."""

import copy

import pytest
from msgspec.structs import replace

from inference_image_operator.api import Status, write
from inference_image_operator.api.stages import Stage
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.kube.observe import from_object
from inference_image_operator.runtime.handlers import image_event_delay
from inference_image_operator.runtime.job_signals import EVENT_DEBOUNCE
from tests.support.world import World


def image(world, **meta):
    metadata = {"name": "detector", "namespace": "n", "uid": world.uid, "generation": world.generation} | meta
    return from_object({"metadata": metadata, "spec": copy.deepcopy(world.spec), "status": write(world.status)})


def claimed():
    """The claim is written, but its Job has not been seen yet."""
    world = World()
    world.step()
    return world


def at_work():
    """The status has the Job's UID."""
    world = World()
    world.run_to(Stage.EXPORT)
    return world


def done():
    world = World()
    world.run_whole()
    return world


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
def test_a_new_object_is_due_at_once(kind):
    assert image_event_delay(kind, image(World())) == 0


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED", "DELETED"])
def test_a_settled_object_is_ignored(kind):
    assert image_event_delay(kind, image(done())) is None


@pytest.mark.parametrize("world", [claimed, at_work, done])
def test_an_edit_and_a_request_are_due_at_once(world):
    assert image_event_delay("MODIFIED", image(world(), generation=2)) == 0
    request = {"uai.ucloud.cn/requestedAt": "now"}
    assert image_event_delay("MODIFIED", image(world(), annotations=request)) == 0


@pytest.mark.parametrize("world", [claimed, at_work, done])
def test_a_wiped_status_is_due_at_once(world):
    assert image_event_delay("MODIFIED", replace(image(world()), status=Status())) == 0


def test_the_event_of_a_claim_waits_for_the_check_of_the_pods():
    assert image_event_delay("MODIFIED", image(claimed())) == POD_CHECK_DELAY


def test_the_event_of_a_recorded_job_is_ignored():
    assert image_event_delay("MODIFIED", image(at_work())) is None


@pytest.mark.parametrize("kind", [None, "ADDED"])
def test_a_working_object_is_debounced_when_it_is_listed(kind):
    assert image_event_delay(kind, image(at_work())) == EVENT_DEBOUNCE


def test_a_deleted_object_is_ignored():
    assert image_event_delay("DELETED", image(at_work())) is None
