"""Cases that the explored model and the mutants found: outdated statements leave the status, and lists are bounded."""

from datetime import timedelta

import msgspec
import pytest

from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decide import decide, failed_test_pod, is_settled
from inference_image_operator.observed import Container, Refusal
from tests.support.world import RESULTS, World, report

WORKING = ("Unknown", "Resolving")


def test_a_refusal_is_cleared_when_the_job_exists():
    world = World()
    world.step()
    jobs = dict(world.jobs)
    world.jobs.clear()
    refused = msgspec.structs.replace(
        world.observed(), refusal=Refusal(reason=Reason.QUOTA_EXCEEDED, message="too much")
    )
    world.status = decide(refused, world.config, world.now).status
    assert world.summary()["Ready"] == ("False", "QuotaExceeded")
    world.jobs = jobs
    world.settle()
    assert world.summary()["Ready"] == world.summary()["Resolved"] == WORKING
    assert world.summary()["Reconciling"] == ("True", "Resolving")


@pytest.mark.parametrize("ready", [0, 1])
def test_a_cause_is_cleared_when_the_pod_runs(ready):
    world = World()
    world.settle()
    world.advance(seconds=61)
    world.set_pod(Container(name="resolve", waiting="ErrImagePull", message="gone"), phase="Pending")
    world.settle()
    assert world.summary()["Ready"] == ("False", "ImagePullFailed")
    world.set_pod(Container(name="resolve"))
    world.jobs[world.claimed.name] = msgspec.structs.replace(world.claimed, ready=ready)
    world.settle()
    assert world.summary()["Ready"] == world.summary()["Resolved"] == WORKING
    assert world.status.stage.message == ""


def test_a_suspension_from_outside_is_cleared_when_the_job_resumes():
    world = World()
    world.settle()
    name = world.claimed.name
    world.jobs[name] = msgspec.structs.replace(world.claimed, suspended=True)
    world.settle()
    assert "suspended from outside" in world.condition("Ready").message
    world.jobs[name] = msgspec.structs.replace(world.claimed, suspended=False, ready=1)
    world.settle()
    assert world.condition("Ready").message == f"Resolving in Job {name}"


def test_conditions_follow_a_generation_that_restarts_nothing():
    """`kubectl wait --for=condition=Ready` ignores a condition of an older generation."""
    world = World()
    world.run_whole()
    since = world.condition("Ready").last_transition_time
    world.spec["retry"], world.generation = {"limit": 5}, 2
    world.advance(hours=1)
    world.settle()
    assert {c.observed_generation for c in world.status.conditions} == {2}
    assert world.condition("Ready").last_transition_time == since
    assert world.status.image.generation == 1


def test_a_spec_that_is_not_allowed_clears_the_stage_of_the_old_one():
    world = World()
    world.run_whole()
    world.spec["image"]["repository"], world.generation = "evil.example/x/y", 2
    world.settle()
    assert world.summary() == {
        "Ready": ("False", "RegistryNotAllowed"),
        "Stalled": ("True", "RegistryNotAllowed"),
        **dict.fromkeys(("Resolved", "Exported", "Built", "Tested", "Published"), ("Unknown", "Pending")),
    }
    assert {c.observed_generation for c in world.status.conditions} == {2}


def test_the_status_lists_at_most_64_files():
    world = World()
    world.settle()
    files = tuple(PinnedObject(key=str(number), size=1, etag="e") for number in range(65))
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], files=files, file_count=65))
    world.settle()
    assert [file.key for file in world.status.checkpoint.files] == [str(number) for number in range(64)]
    assert "65 files" in world.condition("Resolved").message


def test_the_history_holds_the_last_ten_newest_first():
    world = World()
    for generation in range(1, 12):
        world.generation, world.request = generation, str(generation)
        world.run_whole()
        world.advance(days=1)
    times = [entry.time for entry in world.status.history]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    assert times[0] == world.condition("Published").last_transition_time


def test_other_unfinished_jobs_are_deleted_by_uid_and_waited_for():
    world = World()
    world.settle()
    own = world.claimed
    for number, fields in enumerate(({}, {"terminating": True}, {"complete": True}, {"failed": "X"})):
        name = f"other-{number}"
        world.jobs[name] = msgspec.structs.replace(own, name=name, uid=f"u-{number}", **fields)
    decision = decide(world.observed(), world.config, world.now)
    assert [(a.name, a.uid) for a in decision.actions] == [("other-0", "u-0")]
    assert (decision.status, decision.requeue_after) == (world.status, 10)


def test_the_next_stage_follows_the_pod_and_does_not_wait_for_its_job():
    world = World()
    world.settle()
    job = world.claimed
    world.end_pod()
    world.settle()
    assert world.status.stage.name is Stage.EXPORT
    assert world.jobs[job.name] == msgspec.structs.replace(job, pod_done=True), "the Job is left to its controller"
    assert world.status.run.ended_jobs == (job.uid,), "an operator that starts now does not take it for a Job that runs"
    assert world.status.timings.resolve == "10s"


def test_a_whole_run_takes_each_result_from_the_pod():
    world = World()
    world.settle()
    while world.status.stage:
        world.end_pod()
        world.settle()
    assert world.condition("Ready").status == "True"
    assert not [job.name for job in world.jobs.values() if job.terminating]


def test_a_malformed_result_waits_for_the_end_of_the_job():
    """An attempt more is due then, and no pod may run beside it."""
    world = World()
    world.settle()
    job = world.claimed
    world.end_pod()
    world.set_pod(report("resolve", "?"), phase="Succeeded")
    assert world.step().actions == ()
    world.jobs[job.name] = msgspec.structs.replace(world.jobs[job.name], complete=True, ended=world.now)
    world.settle()
    assert world.status.last_failure.reason == "ResultLost"


@pytest.mark.parametrize(("terminating", "again"), [(True, 10), (False, 60)])
def test_a_terminating_claimed_job_is_waited_for(terminating, again):
    world = World()
    world.settle()
    world.jobs[world.claimed.name] = msgspec.structs.replace(world.claimed, terminating=terminating)
    decision = decide(world.observed(), world.config, world.now)
    assert (decision.actions, decision.requeue_after) == ((), again)


def test_a_finished_job_is_assessed_only_with_its_pods():
    world = World()
    world.settle()
    world.finish()
    bare = msgspec.structs.replace(world.observed(), pods=None)
    decision = decide(bare, world.config, world.now)
    assert (decision.status, decision.actions, decision.requeue_after) == (world.status, (), 0)


def test_time_suspended_from_outside_counts_towards_no_deadline():
    world = World()
    world.settle()
    world.advance(hours=1)
    world.jobs[world.claimed.name] = msgspec.structs.replace(world.claimed, started=world.now)
    world.set_pod(Container(name="resolve", waiting="ErrImagePull", message="gone"), phase="Pending")
    world.advance(minutes=9)
    world.settle()
    assert "Stalled" not in world.summary()
    world.advance(minutes=1)
    world.settle()
    assert world.summary()["Stalled"] == ("True", "ImagePullFailed")


def test_a_verdict_survives_a_crash_before_the_job_is_deleted():
    world = World()
    world.run_to(Stage.TEST)
    world.advance(seconds=61)
    live = world.claimed
    world.set_pod(Container(name="image", exit_code=1, restarts=2), phase="Pending")
    world.step()
    world.jobs[live.name] = live
    world.set_pod()
    decision = world.step()
    assert [(a.name, a.uid) for a in decision.actions] == [(live.name, live.uid)]
    assert decision.requeue_after == 10
    assert world.step().actions == ()
    world.remove_terminating()
    world.settle()
    assert world.summary()["Stalled"] == ("True", "ImageDoesNotStart")
    assert world.status.last_failure.hint


def test_a_verdict_does_not_need_the_last_failure():
    world = World()
    world.run_to(Stage.TEST)
    world.advance(seconds=61)
    world.set_pod(Container(name="image", exit_code=1, restarts=2, report="No module x"), phase="Pending")
    world.step()
    recorded = world.status.last_failure
    world.status = msgspec.structs.replace(world.status, last_failure=None, conditions=())
    world.remove_terminating()
    world.settle()
    assert world.summary()["Stalled"] == ("True", "ImageDoesNotStart")
    assert world.status.last_failure == msgspec.structs.replace(recorded, time=world.status.last_failure.time)
    assert recorded.log_tail


def test_a_reverted_edit_of_a_suspended_object_keeps_the_published_image():
    world = World()
    world.run_whole()
    for generation, suspend, step in ((2, True, 900), (3, False, 800)):
        world.spec["suspend"], world.spec["model"]["checkpoint"]["step"] = suspend, step
        world.generation = generation
        world.settle()
        assert ("Suspended" in world.summary()) is suspend
    assert world.settled
    assert len(world.created) == 5


def test_settled_is_judged_from_the_object_alone():
    world = World()
    assert not world.settled
    world.settle()
    assert not world.settled
    world.run_whole()
    assert world.settled
    for change in ({"generation": 2}, {"request": "again"}):
        assert not is_settled(msgspec.structs.replace(world.observed(), **change))
    assert is_settled(msgspec.structs.replace(World().observed(), deleting=True))


def test_an_image_records_the_generation_of_its_run():
    world = World()
    world.settle()
    world.spec["retry"], world.generation = {"limit": 5}, 2
    world.run_whole()
    assert (world.status.image.generation, world.status.observed_generation) == (1, 2)


def test_a_claim_without_a_job_waits_in_the_queue():
    world = World()
    world.step()
    world.jobs.clear()
    world.queue_position = 2
    world.settle()
    assert world.summary()["Ready"] == world.summary()["Resolved"] == ("Unknown", "Queued")
    assert "Place 2" in world.condition("Ready").message


def test_whose_image_log_explains_a_failure():
    """The newest pod of a failed Test Job alone."""
    world = World()
    assert failed_test_pod(world.observed()) is None
    world.run_to(Stage.EXPORT)
    world.fail(report("export", "", 1, "Error"))
    assert failed_test_pod(world.observed()) is None
    world = World()
    world.run_to(Stage.TEST)
    assert failed_test_pod(world.observed()) is None
    world.fail(report("probe", "", 1, "Error"))
    (pod,) = world.pods[world.claimed.name]
    newer = msgspec.structs.replace(pod, name="newer", created=pod.created + timedelta(seconds=1))
    world.pods[world.claimed.name] = (newer, pod)
    assert failed_test_pod(world.observed()) == newer
    world.jobs.clear()
    assert failed_test_pod(world.observed()) is None
