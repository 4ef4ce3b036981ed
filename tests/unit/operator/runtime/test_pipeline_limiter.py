"""The limit of concurrent pipelines: which run, which wait, and at which place."""

import pytest

from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Concurrency
from inference_image_operator.runtime.pipeline_limiter import PipelineLimiter
from tests.support.world import World

A, B, C, D = ("one", "a"), ("one", "b"), ("two", "c"), ("two", "d")


def test_without_a_limit_every_pipeline_runs():
    limiter = PipelineLimiter(Concurrency())
    assert [limiter.acquire(key, "t") for key in (A, B, C, D)] == [None] * 4


def test_the_oldest_go_first_and_the_others_get_a_place():
    limiter = PipelineLimiter(Concurrency(total=1))
    assert limiter.acquire(A, "1") is None
    assert [limiter.acquire(C, "3"), limiter.acquire(B, "2"), limiter.acquire(D, "4")] == [1, 1, 3]
    assert [limiter.acquire(key, created) for key, created in ((B, "2"), (C, "3"), (D, "4"))] == [1, 2, 3]


def test_a_running_pipeline_keeps_its_slot_until_its_release():
    limiter = PipelineLimiter(Concurrency(total=1))
    assert [limiter.acquire(A, "1"), limiter.acquire(A, "1"), limiter.acquire(B, "2")] == [None, None, 1]
    assert limiter.release(A) == [B]
    assert limiter.acquire(B, "2") is None
    assert limiter.acquire(A, "1") == 1


def test_a_full_namespace_does_not_block_another():
    limiter = PipelineLimiter(Concurrency(total=3, per_namespace=1))
    assert [limiter.acquire(A, "1"), limiter.acquire(B, "2"), limiter.acquire(C, "3")] == [None, 1, None]
    assert limiter.release(C) == [B]
    assert limiter.acquire(B, "2") == 1


def test_a_younger_object_does_not_overtake_an_older_one():
    limiter = PipelineLimiter(Concurrency(total=1))
    limiter.acquire(A, "1")
    limiter.acquire(B, "2")
    limiter.release(A)
    assert limiter.acquire(C, "3") == 1
    assert limiter.acquire(B, "2") is None


def test_pipelines_that_run_before_a_restart_keep_their_slots():
    limiter = PipelineLimiter(Concurrency(total=1))
    limiter.mark_running(A)
    assert limiter.acquire(B, "0") == 1
    assert limiter.acquire(A, "1") is None


def test_a_deleted_object_leaves_the_queue():
    limiter = PipelineLimiter(Concurrency(total=1))
    limiter.acquire(A, "1")
    limiter.acquire(B, "2")
    assert limiter.release(B) == []
    assert limiter.acquire(C, "3") == 1


@pytest.fixture
def world() -> World:
    return World(queue_position=3)


def test_a_queued_object_gets_no_job_and_its_status_shows_its_place(world):
    world.settle()
    assert world.created == []
    assert world.summary()["Ready"] == ("Unknown", "Queued")
    assert world.summary()["Reconciling"] == ("True", "Queued")
    assert "Place 3" in world.condition("Ready").message


def test_the_place_in_the_queue_is_written_at_most_once_a_minute(world):
    world.settle()
    writes = world.writes
    world.queue_position = 2
    world.advance(seconds=50)
    world.settle()
    assert world.writes == writes
    world.advance(seconds=11)
    world.settle()
    assert "Place 2" in world.condition("Ready").message
    assert world.writes == writes + 1


def test_a_started_run_never_returns_to_the_queue(world):
    world.settle()
    world.queue_position = None
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "Resolving")
    world.queue_position = 5
    world.run_to(Stage.PUBLISH)
    world.finish()
    world.settle()
    assert world.summary()["Ready"] == ("True", "Published")


def test_an_edit_of_a_queued_object_is_observed(world):
    world.settle()
    world.generation, world.spec["model"]["checkpoint"]["step"] = 2, 900
    world.settle()
    assert world.status.observed_generation == 2
    assert world.status.run.generation == 2
    assert world.summary()["Ready"] == ("Unknown", "Queued")
    assert world.created == []


def test_an_edit_that_asks_for_no_other_result_is_observed_in_the_queue(world):
    world.settle()
    world.generation, world.spec["retry"] = 2, {"limit": 5}
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "Queued")
    assert world.status.observed_generation == 2
    assert {condition.observed_generation for condition in world.status.conditions} == {2}
