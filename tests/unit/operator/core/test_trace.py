"""The spans of a run: which end with which status, whose children they are, and what they say."""

from datetime import timedelta

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.core import trace
from inference_image_operator.core.decide import decide
from inference_image_operator.core.trace import Span
from inference_image_operator.observed import Container, Refusal
from tests.support.world import DIGEST, GRAPH, RESULTS, START, World, report


class Traced(World):
    """A world that keeps the spans that end with each reconcile."""

    def __init__(self, **more: object) -> None:
        super().__init__(**more)
        self.spans: list[Span] = []

    def step(self):
        before = self.observed()
        decision = super().step()
        if decision.status != before.status:
            self.spans += trace.ended(before, decision.status, self.now)
        return decision

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def of(self, name: str) -> Span:
        (found,) = (span for span in self.spans if span.name == name)
        return found


@pytest.fixture
def world() -> Traced:
    return Traced()


def failure(stage: Stage, reason: Reason) -> Container:
    failed = results.Failed(reason=reason, message="What is wrong.", hint="What to do.")
    return report(MAIN[stage], results.encode(failed), reason.exit_code, "Error")


def test_a_published_run_is_one_trace_with_its_stages_in_order(world):
    world.run_whole()
    assert world.names() == ["Resolve", "Export", "Build", "Test", "Publish", "run"]
    assert len({span.trace_id for span in world.spans}) == 1
    assert len({span.span_id for span in world.spans}) == len(world.spans)
    *stages, run = world.spans
    assert run.parent_id is None
    assert {span.parent_id for span in stages} == {run.span_id}
    assert (run.start, run.end) == (START, world.now)
    assert [(span.end - span.start).total_seconds() for span in stages] == [10] * 5
    assert not any(span.error for span in world.spans)


def test_what_a_run_says(world):
    world.run_whole()
    assert world.of("run").attributes == {
        "k8s.namespace.name": "object-detect",
        "inferenceimage.name": "detector",
        "inferenceimage.uid": world.uid,
        "inferenceimage.generation": 1,
        "inferenceimage.checkpoint.step": 800,
        "inferenceimage.result": "published",
        "inferenceimage.reason": "Published",
        "oci.manifest.digest": DIGEST,
    }


def test_what_a_stage_says(world):
    world.run_whole()
    job = next(job for job in world.jobs.values() if job.stage == "Export")
    assert world.of("Export").attributes == {
        "k8s.namespace.name": "object-detect",
        "inferenceimage.name": "detector",
        "inferenceimage.uid": world.uid,
        "inferenceimage.stage": "Export",
        "inferenceimage.attempt": 1,
        "inferenceimage.result": "done",
        "inferenceimage.reason": "Exported",
        "k8s.job.name": job.name,
        "k8s.job.uid": job.uid,
    }


def test_the_containers_of_a_stage_are_its_children(world):
    world.run_to(Stage.BUILD)
    began = world.now
    ends = {name: began + timedelta(seconds=after) for name, after in (("assemble", 2), ("kaniko", 7), ("report", 9))}
    starts = dict(zip(ends, [began, *ends.values()], strict=False))
    done = results.encode(results.Built(digest=DIGEST, size=5000))
    world.finish()
    said = [report(name, done if name == "report" else b"") for name in ends]
    world.set_pod(
        *(msgspec.structs.replace(one, started_at=starts[one.name], ended_at=ends[one.name]) for one in said),
        Container(name="depot", started_at=began, sidecar=True, init=True),
        Container(name="never", waiting="PodInitializing"),
        phase="Succeeded",
    )
    world.settle()
    build = world.of("Build")
    children = [span for span in world.spans if span.parent_id == build.span_id]
    assert [span.name for span in children] == ["assemble", "kaniko", "report", "depot"]
    assert [(span.start, span.end) for span in children[:3]] == [(starts[name], ends[name]) for name in ends]
    assert children[3].end == build.end
    assert children[1].attributes == {
        "k8s.namespace.name": "object-detect",
        "inferenceimage.name": "detector",
        "inferenceimage.uid": world.uid,
        "inferenceimage.stage": "Build",
        "inferenceimage.result": "done",
        "k8s.job.name": build.attributes["k8s.job.name"],
        "k8s.pod.name": "pod",
        "k8s.pod.uid": "pod-uid",
        "k8s.container.name": "kaniko",
        "k8s.container.restart_count": 0,
        "process.exit.code": 0,
    }


def test_the_containers_of_a_failed_stage_say_how_they_ended(world):
    world.run_to(Stage.EXPORT)
    killed = Container(name="export", exit_code=137, ended="OOMKilled", started_at=world.now, killed=True)
    world.fail(killed, Container(name="proxy", exit_code=143, started_at=world.now, sidecar=True))
    world.settle()
    export = world.of("export")
    assert export.error == "OOMKilled, exit code 137"
    assert export.attributes["error.type"] == "OOMKilled"
    assert export.attributes["inferenceimage.result"] == "failed"
    assert world.of("Export").attributes["error.type"] == "OutOfMemory"
    assert not world.of("proxy").error, "how a sidecar stops is no failure"


def test_a_container_that_ends_at_once_with_an_exit_code_alone(world):
    world.run_to(Stage.EXPORT)
    world.fail(Container(name="export", exit_code=1, started_at=world.now, ended_at=world.now))
    world.advance(seconds=5)
    world.settle()
    export = world.of("export")
    assert export.start == export.end
    assert export.error == "Error, exit code 1"


def test_a_run_whose_test_fails_names_the_image_that_was_tested(world):
    world.run_to(Stage.TEST)
    world.fail(failure(Stage.TEST, Reason.GRAPH_INVALID))
    world.settle()
    run = world.of("run")
    assert (run.attributes["inferenceimage.result"], run.attributes["oci.manifest.digest"]) == ("stalled", DIGEST)


def test_an_attempt_that_is_retried_and_a_run_that_stalls(world):
    world.run_to(Stage.EXPORT)
    world.fail(failure(Stage.EXPORT, Reason.UFILE_UNAVAILABLE))
    world.settle()
    world.advance(minutes=10)
    world.settle()
    world.fail(failure(Stage.EXPORT, Reason.GRAPH_INVALID))
    world.settle()
    assert world.names() == ["Resolve", "Export", "Export", "run"]
    _, first, second, run = world.spans
    assert [span.attributes["inferenceimage.attempt"] for span in (first, second)] == [1, 2]
    assert [span.attributes["error.type"] for span in (first, second)] == ["UFileUnavailable", "GraphInvalid"]
    assert [span.attributes["inferenceimage.result"] for span in (first, second, run)] == [
        "failed",
        "failed",
        "stalled",
    ]
    assert first.error == "What is wrong."
    assert run.error.startswith("What is wrong. What to do.")
    assert first.span_id != second.span_id
    assert second.start - first.end >= timedelta(minutes=5), "the wait is between the attempts"


def test_a_run_that_is_superseded_ends_and_another_trace_begins(world):
    world.run_to(Stage.EXPORT)
    world.generation, world.spec["image"]["tags"] = 2, ["other"]
    world.advance(seconds=30)
    world.step()
    assert world.names() == ["Resolve", "Export", "run"]
    _, export, run = world.spans
    assert [span.attributes["inferenceimage.result"] for span in (export, run)] == ["superseded", "superseded"]
    assert run.end == world.now
    assert not run.error
    old, world.spans = run, []
    world.remove_terminating()
    world.run_whole()
    new = world.of("run")
    assert new.trace_id != old.trace_id
    assert new.start == old.end
    assert new.attributes["inferenceimage.generation"] == 2
    assert {span.trace_id for span in world.spans} == {new.trace_id}


def test_the_way_back_to_an_earlier_spec_is_another_trace(world):
    world.run_whole()
    tags = world.spec["image"]["tags"]
    for generation, asked in ((2, ["other"]), (3, tags)):
        world.generation, world.spec["image"]["tags"] = generation, asked
        world.advance(minutes=1)
        world.run_whole()
    runs = [span for span in world.spans if span.name == "run"]
    assert len({span.trace_id for span in runs}) == len(runs) == 3


def test_a_request_that_is_repeated_is_another_trace(world):
    for request in ("a", "b", "a"):
        world.request = request
        world.advance(minutes=1)
        world.run_whole()
    assert len({span.trace_id for span in world.spans if span.name == "run"}) == 3


def test_an_attempt_has_its_own_failure_and_not_that_of_the_one_before(world):
    world.run_to(Stage.EXPORT)
    world.fail(failure(Stage.EXPORT, Reason.UFILE_UNAVAILABLE))
    world.settle()
    refused = msgspec.structs.replace(
        world.observed(), refusal=Refusal(reason=Reason.JOB_NAME_CONFLICT, message="A Job of that name exists.")
    )
    spans = trace.ended(refused, decide(refused, world.config, world.now).status, world.now)
    assert [(span.name, span.error) for span in spans] == [
        (name, "A Job of that name exists.") for name in ("Export", "run")
    ]


def test_stages_that_were_not_needed_are_named(world):
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=GRAPH))
    world.run_whole()
    assert "Export" not in world.names()
    assert world.of("run").attributes["inferenceimage.reused"] == ("Export",)


def test_a_run_that_the_installation_refuses_is_a_trace_without_stages(world):
    world.spec["export"] = {"resources": {"limits": {"memory": "1Ti"}}}
    world.settle()
    assert world.names() == ["run"]
    assert world.of("run").attributes["error.type"] == "ResourcesTooLarge"
    assert world.of("run").start == world.of("run").end


def test_a_run_that_waits_for_its_first_checkpoint_has_not_failed(world):
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "10m"}
    world.settle()
    world.fail(failure(Stage.RESOLVE, Reason.CHECKPOINT_NOT_FOUND))
    world.settle()
    assert world.names() == ["Resolve", "run"]
    assert {span.attributes["inferenceimage.result"] for span in world.spans} == {"waiting"}
    assert not any(span.error for span in world.spans)


def test_an_attempt_that_waits_for_a_restore_has_not_failed(world):
    world.settle()
    world.fail(failure(Stage.RESOLVE, Reason.OBJECT_RESTORING))
    world.settle()
    (resolve,) = world.spans
    assert (resolve.attributes["inferenceimage.result"], resolve.error) == ("waiting", "")
    assert resolve.attributes["inferenceimage.reason"] == "ObjectRestoring"
    world.advance(days=1)
    world.run_whole()
    assert world.names() == ["Resolve", "Resolve", "Export", "Build", "Test", "Publish", "run"]


def test_a_job_that_was_deleted_is_a_failed_attempt(world):
    world.run_to(Stage.EXPORT)
    world.step()
    world.jobs.pop(world.status.stage.job)
    world.settle()
    assert world.of("Export").attributes["error.type"] == "JobLost"


def test_a_claim_without_a_job_has_no_span(world):
    world.queue_position = 3
    world.settle()
    world.generation, world.spec["image"]["tags"] = 2, ["other"]
    world.advance(seconds=30)
    world.step()
    assert world.names() == ["run"]


def test_a_claim_of_an_earlier_operator_has_no_span_and_its_run_goes_on(world):
    """This operator does not create its Job: the inputs that the claim needs were not pinned."""
    world.run_to(Stage.BUILD)
    world.jobs.clear()
    claim = msgspec.structs.replace(world.status.stage, job_uid=None)
    world.status = msgspec.structs.replace(world.status, stage=claim, input_lock=None, produced=None)
    world.run_whole()
    assert world.names() == ["Resolve", "Export", "Resolve", "Export", "Build", "Test", "Publish", "run"]
    assert len({span.trace_id for span in world.spans}) == 1


def test_nothing_ends_twice(world):
    world.run_whole()
    ended = len(world.spans)
    world.settle()
    assert len(world.spans) == ended
    assert trace.ended(world.observed(), world.status, world.now) == ()


def test_a_restart_of_the_operator_changes_no_id():
    first, second = Traced(), Traced()
    first.run_whole()
    second.run_whole()
    ids = [[(span.trace_id, span.span_id, span.parent_id) for span in world.spans] for world in (first, second)]
    assert ids[0] == ids[1]
    other = Traced(uid="7c9e6679-7425-40de-944b-e07fc1f90ae7")
    other.run_whole()
    assert other.spans[0].trace_id != first.spans[0].trace_id


def test_a_run_that_an_earlier_version_began_has_no_trace(world):
    world.run_to(Stage.EXPORT)
    world.spans = []
    world.status = msgspec.structs.replace(world.status, run=msgspec.structs.replace(world.status.run, start_time=None))
    world.run_whole()
    assert world.spans == []


def test_clocks_that_disagree_make_no_negative_time(world):
    world.run_to(Stage.EXPORT)
    job = world.claimed
    world.jobs[job.name] = msgspec.structs.replace(job, started=world.now + timedelta(hours=1))
    world.finish()
    world.settle()
    export = world.of("Export")
    assert export.start == export.end


def test_ids_fit_their_fields(world):
    world.run_whole()
    for span in world.spans:
        assert 0 < span.trace_id < 1 << 128
        assert 0 < span.span_id < 1 << 64
