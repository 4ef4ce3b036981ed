"""Containers from outside never decide about a stage: its own containers do, and the others are named."""

from datetime import timedelta

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.diagnosis.outcomes import Done, Failed, Working, assess
from inference_image_operator.observed import Container, Job, Pod
from tests.support.world import RESULTS, START, World, report

PROXY = Container(name="istio-proxy")
KILLED = Container(name="istio-proxy", exit_code=137, ended="Error")
SENTENCE = "Container istio-proxy was added to the pod by something else in the cluster."
FAILURE = results.encode(results.Failed(reason="UFileForbidden", message="No right", hint="What to do."))


def job(**more: object) -> Job:
    return Job(name="j", uid="u", stage="Resolve", content="", attempt=1, started=START, **more)


def ended(stage: Stage, code: int = 0, text: bytes | None = None) -> Container:
    found = report(MAIN[stage], text or results.encode(RESULTS[stage]), code)
    return msgspec.structs.replace(found, ended_at=START + timedelta(seconds=7))


def pod(*containers: Container, phase: str = "Running", **more: object) -> Pod:
    return Pod(name="p", uid="p", phase=phase, created=START, containers=containers, **more)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("state", [job(), job(failed="BackoffLimitExceeded"), job(failing="DeadlineExceeded")])
@pytest.mark.parametrize("other", [PROXY, KILLED], ids=["runs", "killed"])
def test_a_finished_stage_is_taken_though_another_container_runs_or_failed(stage, state, other):
    outcome = assess(stage, state, (pod(ended(stage), other),), ())
    assert isinstance(outcome, Done)
    assert (outcome.result, outcome.seconds) == (RESULTS[stage], 7)
    assert outcome.injected.startswith(SENTENCE)
    assert "spec.podMetadata" in outcome.injected


def test_a_failed_stage_is_told_at_once_and_the_other_container_is_named():
    outcome = assess(Stage.RESOLVE, job(), (pod(ended(Stage.RESOLVE, ExitCode.FORBIDDEN, FAILURE), PROXY),), ())
    assert isinstance(outcome, Failed)
    assert outcome.reason == "UFileForbidden"
    assert outcome.message == f"No right. {SENTENCE}"


WAITS = [
    (pod(Container(name="resolve"), PROXY), "our container runs"),
    (pod(ended(Stage.RESOLVE)), "no other container"),
    (pod(ended(Stage.RESOLVE), Container(name="istio-init", init=True, exit_code=0)), "the other one has ended"),
    (pod(ended(Stage.RESOLVE), Container(name="proxy", init=True, sidecar=True)), "the kubelet ends a sidecar"),
    (pod(ended(Stage.RESOLVE, 143, b"x"), PROXY, disrupted=True), "the pod is stopped from outside"),
]


@pytest.mark.parametrize(("found", "why"), WAITS, ids=[why for _, why in WAITS])
def test_otherwise_the_job_decides(found, why):
    assert isinstance(assess(Stage.RESOLVE, job(), (found,), ()), Working)


def test_another_container_that_fails_is_not_blamed_on_the_stage():
    lost = pod(Container(name="resolve"), KILLED, phase="Failed", message="gone")
    outcome = assess(Stage.RESOLVE, job(failed="BackoffLimitExceeded"), (lost,), ())
    assert outcome.reason == "PodLost"


@pytest.mark.parametrize("state", [job(failed="DeadlineExceeded"), job(failing="DeadlineExceeded")])
def test_a_timeout_names_the_container(state):
    running = pod(Container(name="resolve"), PROXY, disrupted=True)
    outcome = assess(Stage.RESOLVE, state, (running,), ())
    assert outcome.reason == "TimedOut"
    assert outcome.message == f"Job j exceeded its deadline. {SENTENCE}"
    assert outcome.hint.startswith("Keep it out of the pods with spec.podMetadata")


def test_a_timeout_without_such_a_container_is_as_before():
    outcome = assess(Stage.RESOLVE, job(failing="DeadlineExceeded"), (pod(Container(name="resolve")),), ())
    assert (outcome.message, outcome.hint[:4]) == ("Job j exceeded its deadline.", "Find")


def keep_running(world: World, *others: Container) -> None:
    """The stage's own containers end; the Job does not."""
    stage = Stage(world.claimed.stage)
    world.early_check = True
    world.set_pod(ended(stage), *(others or (PROXY,)))


@pytest.mark.parametrize("stage", Stage)
def test_the_job_is_deleted_before_the_next_one_follows(stage):
    world = World()
    world.run_to(stage)
    job = world.claimed.name
    keep_running(world)
    world.step()
    assert world.jobs[job].terminating
    assert world.condition(stage.condition).status == "True"
    assert SENTENCE in world.condition(stage.condition).message
    assert [emit.type for emit in world.emitted if emit.reason == "ContainerInjected"] == ["Warning"]
    world.settle()
    world.remove_terminating()
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_stage_that_failed_is_retried_when_its_job_is_gone():
    world = World()
    world.settle()
    world.early_check = True
    failed = results.encode(results.Failed(reason="UFileUnavailable", message="It is away.", hint="Wait."))
    world.set_pod(ended(Stage.RESOLVE, ExitCode.UNAVAILABLE, failed), PROXY)
    world.settle()
    assert world.claimed.terminating
    world.remove_terminating()
    world.settle()
    world.advance(minutes=5)
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_poll_is_taken_and_its_job_deleted():
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "30m"}
    world.run_whole()
    world.advance(minutes=31)
    world.settle()
    world.early_check = True
    world.set_poll_pod(ended(Stage.RESOLVE), PROXY)
    world.settle()
    assert world.poll_job.terminating
    assert [emit.type for emit in world.emitted if emit.reason == "ContainerInjected"] == ["Warning"]
    world.remove_terminating()
    world.settle()
    assert world.poll_job is None
    world.advance(minutes=31)
    world.settle()
    assert world.poll_job is not None


def test_new_content_of_such_a_poll_starts_a_run():
    world = World()
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "30m"}
    world.run_whole()
    world.advance(minutes=31)
    world.settle()
    world.early_check = True
    newer = msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=900, inputs_hash="sha256:" + "9" * 64)
    world.set_poll_pod(ended(Stage.RESOLVE, text=results.encode(newer)), PROXY)
    world.step()
    world.step()
    assert world.poll_job.terminating
    world.remove_terminating()
    world.settle()
    assert world.claimed.stage == Stage.RESOLVE
