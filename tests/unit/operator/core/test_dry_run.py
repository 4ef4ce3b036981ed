"""The dry run: it plans the same Jobs as the operator, from results that the caller provides."""

import pytest

from inference_image_operator.api.stages import Stage
from inference_image_operator.core.dry_run import NotStartedError, next_job
from tests.support.world import CONFIG, RESULTS, World


def planned(world: World) -> list:
    jobs, job = [], next_job(world.observed(), CONFIG)
    while job:
        jobs.append(job)
        job = next_job(job.observed, CONFIG, RESULTS[job.stage])
    return jobs


def test_the_stages_follow_each_other_until_the_run_ends():
    assert [job.stage for job in planned(World())] == [*Stage]


def test_the_jobs_are_those_of_the_operator():
    world = World()
    for stage in Stage:
        world.settle()
        world.finish(RESULTS[stage])
    world.settle()
    assert [job.manifest for job in planned(World())] == world.created


def test_a_suspended_object_starts_no_job():
    world = World()
    world.spec["suspend"] = True
    with pytest.raises(NotStartedError, match="Suspended: "):
        next_job(world.observed(), CONFIG)


def test_a_forbidden_registry_starts_no_job():
    world = World()
    world.spec["image"]["repository"] = "elsewhere.example/demo/it"
    with pytest.raises(NotStartedError, match=r"RegistryNotAllowed: .*elsewhere\.example"):
        next_job(world.observed(), CONFIG)


def test_a_result_needs_a_claimed_stage():
    with pytest.raises(RuntimeError):
        next_job(World().observed(), CONFIG, RESULTS[Stage.RESOLVE])
