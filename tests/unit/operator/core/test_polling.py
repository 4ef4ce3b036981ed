"""Policy Latest with `poll`: when a finished object is polled, and what a poll changes and never changes."""

from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_operator.api import format_duration
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.decide import decide, needs_pods
from inference_image_operator.core.decision import CreateJob, DeleteJob, Emit
from inference_image_operator.core.ended import has_ended
from inference_image_operator.observed import Container, Event, Refusal
from tests.support.world import RESULTS, World, report

SAME = RESULTS[Stage.RESOLVE]
NEWER = msgspec.structs.replace(SAME, step=900, inputs_hash="sha256:" + "9" * 64, fingerprint="sha256:" + "8" * 64)


def found(result: results.Result) -> Container:
    return report("resolve", results.encode(result))


def failed(reason: str, code: ExitCode) -> Container:
    text = results.encode(
        results.Failed(
            reason=reason,
            message="What is wrong.",
            hint="Fix it, then set the annotation uai.ucloud.cn/requestedAt to a new value.",
        )
    )
    return report("resolve", text, code, "Error")


FORBIDDEN = failed("UFileForbidden", ExitCode.FORBIDDEN)
UNAVAILABLE = failed("UFileUnavailable", ExitCode.UNAVAILABLE)
MOVED = failed("SourceChanged", ExitCode.SOURCE_CHANGED)


def latest(poll: str = "10m") -> World:
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest"} | ({"poll": poll} if poll else {})
    return world


def ready(poll: str = "10m") -> World:
    world = latest(poll)
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")
    return world


def look_again(world: World) -> None:
    """Reconciles until the Job of the next poll exists; removes terminating Jobs."""
    for _ in range(4):
        after = world.step().requeue_after or 0
        world.remove_terminating()
        if world.poll_job and not world.poll_job.finished:
            return
        world.advance(seconds=after)
    raise AssertionError(f"no poll: {world.jobs}")


def stages(world: World) -> list[str]:
    return [job["metadata"]["labels"]["uai.ucloud.cn/stage"] for job in world.created]


# ---- when ----


def test_without_poll_a_finished_object_is_left_alone():
    world = ready(poll="")
    assert world.settled
    world.advance(days=30)
    assert world.step().requeue_after is None
    assert len(world.created) == 5


def test_with_poll_an_object_is_never_settled_and_requeued_until_the_poll_is_due():
    world = ready()
    assert not world.settled
    assert has_ended(world.observed())
    resolved = world.status.last_poll_time
    assert world.step().requeue_after == (resolved + timedelta(minutes=10) - world.now).total_seconds()
    assert len(world.created) == 5


@pytest.mark.parametrize(("seconds", "polls"), [(599, 0), (600, 1)])
def test_the_first_poll_is_due_one_interval_after_the_inputs_were_pinned(seconds, polls):
    world = ready()
    world.now = world.status.last_poll_time + timedelta(seconds=seconds)
    assert world.step().requeue_after == (60 if polls else 1)
    assert stages(world)[5:] == ["Poll"] * polls


def test_a_poll_runs_the_same_pod_as_resolve():
    world = ready()
    look_again(world)
    resolve, poll = world.created[0], world.created[-1]
    assert poll["spec"] == resolve["spec"] | {"template": poll["spec"]["template"]}
    first, second = (job["spec"]["template"]["spec"] for job in (resolve, poll))
    asked, asked_again = (msgspec.json.decode(pod["containers"][0]["env"][0].pop("value")) for pod in (first, second))
    assert second == first
    assert asked_again == asked | {"exports": asked_again["exports"], "images": asked_again["images"]}
    assert '"step"' not in str(poll)
    assert poll["metadata"]["annotations"] == {
        "uai.ucloud.cn/owner": "detector",
        "uai.ucloud.cn/content": poll["metadata"]["annotations"]["uai.ucloud.cn/content"],
        "uai.ucloud.cn/attempt": "1",
    }
    assert poll["metadata"]["name"] == "detector-poll-ae299676da", "a release that changes the name polls twice"


def test_while_a_poll_runs_ready_stays_true_and_nothing_is_written():
    world = ready()
    before, writes = world.status, world.writes
    look_again(world)
    world.advance(seconds=1)
    assert world.step().requeue_after == 15
    world.jobs[world.poll_job.name] = msgspec.structs.replace(world.poll_job, ready=1)
    assert world.step().requeue_after is None
    assert (world.status, world.writes) == (before, writes)
    assert len(world.emitted) == len(set(world.emitted))


def test_all_polls_share_a_name_and_the_next_waits_until_the_last_is_gone():
    world = ready()
    look_again(world)
    first = world.poll_job
    world.end_poll(found(SAME))
    assert world.step().requeue_after == 600
    world.advance(seconds=599)
    assert world.step().requeue_after == 1
    world.advance(seconds=1)
    decision = world.step()
    assert decision.actions == (DeleteJob(name=first.name, uid=first.uid),)
    assert decision.requeue_after == 15
    assert world.poll_job.terminating
    assert world.step().actions == ()
    assert world.step().requeue_after == 15
    world.remove_terminating()
    decision = world.step()
    assert [type(action) for action in decision.actions] == [CreateJob]
    assert decision.requeue_after == 60
    assert (world.poll_job.name, world.poll_job.content) == (first.name, first.content)
    assert world.poll_job.uid != first.uid


def test_two_operators_with_the_same_observation_decide_alike():
    world = ready()
    world.advance(hours=1)
    assert decide(world.observed(), world.config, world.now) == decide(world.observed(), world.config, world.now)


def test_a_deleted_poll_is_repeated():
    world = ready()
    look_again(world)
    world.jobs.clear()
    world.step()
    assert world.poll_job


def test_poll_added_to_a_finished_object_polls_at_once_without_a_run():
    world = ready(poll="")
    world.spec["model"]["checkpoint"]["poll"], world.generation = "1h", 2
    world.step()
    assert world.status.observed_generation == 2
    assert stages(world)[5:] == ["Poll"]
    assert world.summary()["Ready"] == ("True", "Published")


def test_the_interval_changes_no_hash():
    world = ready()
    before = input_hash(world.observed().spec, "")
    world.spec["model"]["checkpoint"]["poll"] = "1h"
    assert input_hash(world.observed().spec, "") == before
    world.spec["model"]["checkpoint"] = {"step": 800}
    assert input_hash(world.observed().spec, "") != before


def test_suspend_stops_polling_and_lets_the_running_poll_finish():
    world = ready()
    look_again(world)
    world.spec["suspend"], world.generation = True, 2
    world.step()
    assert world.settled
    assert not world.poll_job.terminating
    world.end_poll(found(NEWER))
    world.step()
    assert len(world.created) == 6
    world.spec["suspend"], world.generation = False, 3
    world.step()
    assert world.status.stage.name == "Resolve"


# ---- nothing new ----


def test_without_new_content_only_the_poll_time_is_written_once_an_hour():
    world = ready()
    began, said, times = world.status, list(world.emitted), []
    for _ in range(25):
        look_again(world)
        before = world.status
        world.end_poll(found(SAME))
        world.step()
        if world.status != before:
            assert world.status == msgspec.structs.replace(before, last_poll_time=world.now)
            times.append(world.now)
    assert msgspec.structs.replace(world.status, last_poll_time=None) == msgspec.structs.replace(
        began, last_poll_time=None
    )
    assert world.emitted == said
    assert len(times) == 4
    assert min(late - early for early, late in pairwise(times)) >= timedelta(hours=1)


@pytest.mark.parametrize(("minutes", "written"), [(59, False), (60, True)])
def test_the_poll_time_is_written_when_it_is_an_hour_old(minutes, written):
    world = ready("1m")
    world.advance(minutes=1)
    world.step()
    before = world.status.last_poll_time
    world.end_poll(found(SAME), after=(before + timedelta(minutes=minutes) - world.now).total_seconds())
    world.step()
    assert world.status.last_poll_time == (world.now if written else before)


def test_an_interval_longer_than_the_ttl_of_jobs_is_kept():
    world = ready("72h")
    look_again(world)
    world.end_poll(found(SAME))
    world.step()
    assert world.status.last_poll_time == world.now
    world.jobs.clear()
    assert world.step().requeue_after == 72 * 3600


# ---- something new ----


def test_a_newer_step_is_built_like_an_edit():
    world = ready()
    look_again(world)
    world.end_poll(found(NEWER))
    decision = world.step()
    assert decision.requeue_after == 0
    assert not [action for action in decision.actions if not isinstance(action, Emit)]
    assert world.summary()["Ready"] == ("Unknown", "Resolving")
    assert world.summary()["Tested"] == ("Unknown", "Pending")
    assert world.status.image is not None, "what is published stays named"
    assert world.status.timings is None
    assert world.status.built is None
    assert (world.status.run.restart_count, world.status.run.resolve_count) == (1, 1)
    assert world.emitted[-1] == Emit(
        type="Normal",
        reason="NewContent",
        message="Polling found new content, step 900 (before: step 800). Building an image of it.",
    )
    world.settle()
    world.finish(NEWER)
    world.run_whole()
    assert stages(world)[5:] == ["Poll", "Resolve", "Export", "Build", "Test", "Publish"]
    assert [entry.step for entry in world.status.history] == [900, 800]
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_restarted_run_waits_in_the_queue():
    world = ready()
    look_again(world)
    world.end_poll(found(NEWER))
    world.step()
    world.queue_position = 3
    world.step()
    assert world.summary()["Ready"] == ("Unknown", "Queued")
    assert stages(world)[5:] == ["Poll"]


def test_the_result_of_a_poll_counts_for_one_run_only():
    """The run pins a source that is newer than what the poll saw. That causes no further run."""
    world = ready()
    look_again(world)
    world.end_poll(found(NEWER))
    world.settle()
    world.finish(msgspec.structs.replace(NEWER, inputs_hash="sha256:" + "1" * 64))
    world.run_whole()
    world.settle()
    assert world.status.run.restart_count == 1
    assert stages(world)[6:] == ["Resolve", "Export", "Build", "Test", "Publish"]


def test_a_return_to_earlier_content_moves_the_tags_again():
    """A label map was changed and changed back. The content equals an earlier run's, but the run has its own Jobs."""
    world = ready()
    for result in (msgspec.structs.replace(NEWER, step=800), SAME):
        look_again(world)
        world.end_poll(found(result))
        world.settle()
        world.finish(result)
        world.run_whole()
    names = [job["metadata"]["name"] for job in world.created]
    assert len(names) == 16
    assert len(set(names)) == 15, "only polls share a name"
    assert [entry.step for entry in world.status.history] == [800, 800, 800]


def test_an_edit_stops_the_poll_before_the_run_starts():
    world = ready()
    look_again(world)
    world.spec["export"] = {"inputType": "tf_example"}
    world.generation = 2
    world.step()
    assert world.poll_job.terminating
    assert stages(world)[6:] == []
    world.remove_terminating()
    world.settle()
    assert stages(world)[6:] == ["Resolve"]
    assert not world.poll_job


def test_a_stray_job_is_stopped_before_a_poll_starts():
    world = ready()
    stray = msgspec.structs.replace(next(iter(world.jobs.values())), name="stray", complete=False)
    world.jobs["stray"] = stray
    world.advance(hours=1)
    decision = world.step()
    assert decision.actions == (DeleteJob(name="stray", uid=stray.uid),)
    world.remove_terminating()
    world.step()
    assert world.poll_job


# ---- when the run had failed ----


def test_a_poll_that_finds_the_missing_checkpoint_starts_a_run():
    world = latest()
    world.settle()
    world.fail(failed("CheckpointNotFound", ExitCode.NOT_FOUND))
    world.settle()
    assert world.summary()["Reconciling"] == ("True", "CheckpointNotFound")
    assert world.step().requeue_after == 600, "the interval counts from the failed attempt"
    look_again(world)
    world.end_poll(failed("CheckpointNotFound", ExitCode.NOT_FOUND))
    world.step()
    assert world.summary()["Ready"] == ("False", "CheckpointNotFound")
    look_again(world)
    world.end_poll(found(SAME))
    world.settle()
    assert world.summary()["Reconciling"] == ("True", "Resolving")
    assert "PollFailed" not in world.summary()
    assert "(before: none)" in world.emitted[-1].message
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_run_that_pinned_nothing_restarts_even_for_the_previous_content():
    world = ready()
    world.request = "again"
    world.settle()
    world.fail(FORBIDDEN)
    world.settle()
    assert world.summary()["Stalled"] == ("True", "UFileForbidden")
    look_again(world)
    world.end_poll(found(SAME))
    world.settle()
    assert world.status.stage.name == "Resolve"


def test_a_failed_step_is_not_retried_by_polls_but_the_next_step_is_built():
    world = latest()
    world.run_to(Stage.EXPORT)
    world.fail(report("export", results.encode(results.Failed(reason="GraphInvalid", message="m", hint="h")), 10))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "GraphInvalid")
    look_again(world)
    world.end_poll(found(SAME))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "GraphInvalid")
    look_again(world)
    world.end_poll(found(NEWER))
    world.settle()
    assert world.status.stage.name == "Resolve"


def test_an_object_that_is_not_allowed_is_not_polled():
    world = latest()
    world.spec["image"]["repository"] = "elsewhere.test/a/b"
    world.settle()
    world.advance(days=1)
    decision = world.step()
    assert (decision.actions, decision.requeue_after) == ((), None)


# ---- failed polls ----


def test_a_failed_poll_is_reported_and_ready_stays():
    world = ready()
    look_again(world)
    world.end_poll(FORBIDDEN, "PodFailurePolicy")
    assert world.step().requeue_after == 600
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.summary()["PollFailed"] == ("True", "UFileForbidden")
    assert world.condition("PollFailed").message == "What is wrong. Fix it, then wait for the next poll."
    assert world.emitted[-1] == Emit(
        type="Warning", reason="UFileForbidden", message="What is wrong. Fix it, then wait for the next poll."
    )
    assert "Stalled" not in world.summary()
    assert "Reconciling" not in world.summary()
    assert world.status.last_failure is None


def test_a_repeated_failure_emits_no_event_and_a_successful_poll_clears_it():
    world = ready()
    for _ in range(3):
        look_again(world)
        world.end_poll(FORBIDDEN, "PodFailurePolicy")
        world.step()
    assert [emit.reason for emit in world.emitted].count("UFileForbidden") == 1
    since = world.condition("PollFailed").last_transition_time
    look_again(world)
    world.end_poll(UNAVAILABLE, "PodFailurePolicy")
    world.step()
    assert world.summary()["PollFailed"] == ("True", "UFileUnavailable")
    assert world.condition("PollFailed").last_transition_time == since
    assert world.emitted[-1].reason == "UFileUnavailable"
    look_again(world)
    world.end_poll(found(SAME))
    world.step()
    assert "PollFailed" not in world.summary()


@pytest.mark.parametrize(
    ("poll", "container", "pause"),
    [
        ("24h", FORBIDDEN, 24 * 3600),
        ("24h", UNAVAILABLE, 300),
        ("1m", UNAVAILABLE, 60),
        ("24h", MOVED, 300),
        ("24h", Container(name="resolve", exit_code=0, report="{"), 300),
    ],
    ids=["permanent", "may pass", "may pass, often", "inputs moved", "lost"],
)
def test_a_transient_failure_polls_again_soon(poll, container, pause):
    world = ready(poll)
    look_again(world)
    world.end_poll(container, "" if container.exit_code == 0 else "PodFailurePolicy")
    assert world.step().requeue_after == pause


@pytest.mark.parametrize(
    ("container", "ended"),
    [(MOVED, "PodFailurePolicy"), (Container(name="resolve", exit_code=0, report=""), "")],
    ids=["inputs moved", "result lost"],
)
def test_a_free_retry_is_not_reported(container, ended):
    world = ready()
    look_again(world)
    before = world.status
    world.end_poll(container, ended)
    world.step()
    assert world.status == before


@pytest.mark.parametrize(
    ("container", "ended"),
    [(FORBIDDEN, "PodFailurePolicy"), (found(msgspec.structs.replace(NEWER, step=700)), "")],
    ids=["forbidden", "an older checkpoint"],
)
def test_the_time_of_a_failed_poll_is_written_too(container, ended):
    world = ready("2h")
    look_again(world)
    world.end_poll(container, ended)
    world.step()
    assert "PollFailed" in world.summary()
    assert world.status.last_poll_time == world.now


def test_an_edit_clears_a_failed_poll():
    world = ready()
    look_again(world)
    world.end_poll(FORBIDDEN, "PodFailurePolicy")
    world.step()
    world.request = "again"
    world.step()
    assert "PollFailed" not in world.summary()


@pytest.mark.parametrize("change", [{"suspend": True}, {"model": None}], ids=["suspended", "poll removed"])
def test_without_polling_the_failed_poll_is_cleared(change):
    world = ready()
    look_again(world)
    world.end_poll(FORBIDDEN, "PodFailurePolicy")
    world.step()
    if "model" in change:
        del world.spec["model"]["checkpoint"]["poll"]
    else:
        world.spec |= change
    world.generation = 2
    world.step()
    assert "PollFailed" not in world.summary()
    assert world.settled
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_poll_that_waits_for_a_secret_is_reported():
    world = ready()
    look_again(world)
    waiting = Container(name="resolve", waiting="CreateContainerConfigError", message='secret "ufile" not found')
    world.events = (Event(reason="Any", message="", time=world.now),)
    world.advance(seconds=59)
    assert not needs_pods(world.observed(), world.now)
    world.advance(seconds=1)
    assert needs_pods(world.observed(), world.now)
    world.set_poll_pod(waiting)
    assert world.step().requeue_after == 15
    assert world.summary()["PollFailed"] == ("True", "SecretNotFound")
    assert world.condition("PollFailed").message.startswith('secret "ufile" not found. Create the Secret ufile')
    world.end_poll(found(SAME))
    world.step()
    assert "PollFailed" not in world.summary()


def test_a_poll_that_kueue_suspends_is_waited_for():
    world = ready()
    look_again(world)
    world.jobs[world.poll_job.name] = msgspec.structs.replace(world.poll_job, suspended=True, started=None)
    before = world.status
    world.advance(hours=2)
    assert world.step().requeue_after == 15
    assert world.status == before


@pytest.mark.parametrize(
    ("terminating", "finished", "ready_pods", "wanted"),
    [(False, True, 0, True), (True, True, 0, False), (False, False, 1, False)],
    ids=["finished", "going", "running"],
)
def test_pods_are_read_only_when_they_are_needed(terminating, finished, ready_pods, wanted):
    world = ready()
    look_again(world)
    world.advance(hours=1)
    changes = {"terminating": terminating, "complete": finished, "ready": ready_pods}
    world.jobs[world.poll_job.name] = msgspec.structs.replace(world.poll_job, **changes)
    assert needs_pods(world.observed(), world.now) is wanted


def test_a_finished_poll_without_pods_is_requeued_at_once():
    world = ready()
    look_again(world)
    world.end_poll(found(NEWER))
    unread = msgspec.structs.replace(world.observed(), pods=None)
    decision = decide(unread, world.config, world.now)
    assert (decision.requeue_after, decision.actions, decision.status) == (0, (), world.status)


def test_a_rejected_poll_is_reported_and_retried():
    world = ready()
    world.advance(hours=1)
    refusal = Refusal(reason=Reason.QUOTA_EXCEEDED, message="too much")
    decision = decide(msgspec.structs.replace(world.observed(), refusal=refusal), world.config, world.now)
    told = {c.type: (c.status, c.reason, c.message) for c in decision.status.conditions}
    assert told["PollFailed"] == ("True", "QuotaExceeded", "too much")
    assert told["Ready"][0] == "True"
    assert decision.requeue_after == 300
    assert [action.reason for action in decision.actions] == ["QuotaExceeded"]


def test_a_poll_of_another_run_is_ignored():
    world = ready()
    look_again(world)
    world.end_poll(found(NEWER))
    world.jobs[world.poll_job.name] = msgspec.structs.replace(world.poll_job, content="sha256:other")
    before = world.status
    world.step()
    assert world.status == before
    world.advance(hours=1)
    world.step()
    assert world.poll_job.terminating


def test_a_wiped_status_is_rebuilt_and_polling_continues():
    world = ready()
    look_again(world)
    world.end_poll(found(SAME))
    world.step()
    world.status = type(world.status)()
    world.run_whole()
    assert len(world.created) == 6
    assert world.summary()["Ready"] == ("True", "Published")
    assert format_duration(world.step().requeue_after) == "10m0s"
