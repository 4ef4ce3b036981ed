"""The way to Ready: the Jobs and their order, the status, and the stages that are skipped."""

import msgspec

from inference_image_contract import results
from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from tests.support.world import DIGEST, GRAPH, RESULTS, World


def stages(world: World) -> list[str]:
    return [job["metadata"]["labels"]["uai.ucloud.cn/stage"] for job in world.created]


def test_a_new_object_runs_one_job_for_each_stage_in_sequence():
    world = World()
    world.run_whole()
    assert stages(world) == ["Resolve", "Export", "Build", "Test", "Publish"]


def test_ready_names_the_digest_that_the_registry_serves():
    world = World()
    world.run_whole()
    assert world.summary() == {
        "Ready": ("True", "Published"),
        "Resolved": ("True", "Resolved"),
        "Exported": ("True", "Exported"),
        "Built": ("True", "Built"),
        "Tested": ("True", "Answered"),
        "Published": ("True", "Published"),
    }
    assert world.status.image.reference == f"uhub.devcluster.test/demo/object-detect-infer@{DIGEST}"
    assert world.status.image.tags == ("test",)
    assert world.status.image.generation == 1
    assert world.status.history[0].step == 800
    assert world.status.stage is None
    assert write(world.status)["timings"] == {stage.lower(): "10s" for stage in Stage}


def test_while_a_stage_works_ready_is_unknown_and_reconciling_names_the_stage():
    world = World()
    for stage, reason in zip(Stage, ("Resolving", "Exporting", "Building", "Testing", "Publishing"), strict=True):
        world.run_to(stage)
        assert world.summary()["Ready"] == ("Unknown", reason)
        assert world.summary()["Reconciling"] == ("True", reason)
        assert world.claimed.name in world.condition("Ready").message


def test_the_claim_is_written_before_the_job_exists():
    world = World()
    decision = world.step()
    assert decision.status.stage.job == world.created[0]["metadata"]["name"]
    assert decision.status.stage.job_uid is None
    world.step()
    assert world.status.stage.job_uid == "job-1"


def test_each_stage_takes_three_writes():
    world = World()
    world.run_whole()
    assert world.writes <= 3 * 5


def test_an_existing_graph_is_not_exported_again():
    world = World()
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=GRAPH))
    world.run_whole()
    assert stages(world) == ["Resolve", "Build", "Test", "Publish"]
    assert world.summary()["Exported"] == ("True", "Reused")
    assert world.status.timings.export == "Reused"


def test_an_existing_image_is_only_tested_and_published():
    world = World()
    world.settle()
    built = results.Built(digest=DIGEST, size=1)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=GRAPH, image=built))
    world.run_whole()
    assert stages(world) == ["Resolve", "Test", "Publish"]
    assert world.summary()["Built"] == ("True", "Reused")
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_settled_object_is_left_alone():
    world = World()
    world.run_whole()
    assert world.settled
    writes = world.writes
    world.advance(days=30)
    world.jobs.clear()
    world.settle()
    assert world.writes == writes
    assert not world.step().actions


def test_a_new_request_resolves_again():
    world = World()
    world.run_whole()
    world.request = "2026-02-01"
    world.run_whole()
    assert stages(world) == [*Stage, "Resolve", "Export", "Build", "Publish"], "the same image has passed the same test"
    assert world.status.last_handled_request == "2026-02-01"
    assert len({job["metadata"]["name"] for job in world.created}) == 9


def test_an_edit_stops_the_old_job_before_the_new_one_starts():
    world = World()
    world.run_to(Stage.EXPORT)
    old = world.claimed.name
    world.spec["model"]["checkpoint"]["step"] = 900
    world.generation = 2
    world.step()
    assert world.jobs[old].terminating
    assert stages(world) == ["Resolve", "Export"]
    assert world.status.observed_generation == 2
    world.remove_terminating()
    world.settle()
    assert stages(world) == ["Resolve", "Export", "Resolve"]
    assert world.condition("Ready").observed_generation == 2


def test_a_b_a_pins_again_and_never_uses_the_first_runs_jobs():
    world = World()
    world.run_whole()
    for generation, step in ((2, 900), (3, 800)):
        world.generation, world.spec["model"]["checkpoint"]["step"] = generation, step
        world.run_whole()
    assert len({job["metadata"]["name"] for job in world.created}) == 13
    assert world.status.image.generation == 3


def test_edits_that_do_not_change_the_result_restart_nothing():
    world = World()
    world.run_whole()
    for field, value in (("suspend", True), ("retry", {"limit": 5}), ("ttlAfterFinished", "48h"), ("suspend", False)):
        world.generation += 1
        world.spec[field] = value
        world.settle()
        assert world.status.observed_generation == world.generation
    assert len(world.created) == 5
    assert world.summary()["Ready"] == ("True", "Published")
    assert "Suspended" not in world.summary()


def test_suspend_lets_the_running_job_finish_and_starts_no_new_one():
    world = World()
    world.run_to(Stage.EXPORT)
    world.spec["suspend"], world.generation = True, 2
    world.finish()
    world.settle()
    assert stages(world) == ["Resolve", "Export"]
    assert world.summary()["Suspended"] == ("True", "Suspended")
    world.spec["suspend"], world.generation = False, 3
    world.run_whole()
    assert stages(world) == ["Resolve", "Export", "Build", "Test", "Publish"]
    assert world.summary()["Ready"] == ("True", "Published")


def test_a_wiped_status_is_rebuilt_from_the_jobs():
    world = World()
    world.run_whole()
    before = world.status
    world.status = type(before)()
    world.settle()
    assert len(world.created) == 5
    assert world.status.image == before.image


def test_a_job_suspended_from_outside_is_waited_for():
    world = World()
    world.settle()
    world.jobs[world.claimed.name] = msgspec.structs.replace(world.claimed, suspended=True)
    world.settle()
    assert "suspended from outside" in world.condition("Ready").message
    assert "Stalled" not in world.summary()


def test_without_a_test_the_condition_is_test_disabled():
    world = World()
    world.spec["test"] = {"enabled": False}
    world.run_whole()
    assert stages(world) == ["Resolve", "Export", "Build", "Publish"]
    assert world.summary()["Tested"] == ("True", "TestDisabled")
    assert world.status.timings.test == ""
    assert [c["name"] for c in world.created[-1]["spec"]["template"]["spec"]["containers"]] == ["publish"]
    assert "initContainers" not in world.created[-1]["spec"]["template"]["spec"]


def test_a_moved_tag_is_reported_with_its_previous_digest():
    world = World()
    world.run_to(Stage.PUBLISH)
    moved = results.Published(
        digest=DIGEST, size=1, tags=(results.MovedTag(tag="test", previous="sha256:" + "0" * 64),)
    )
    world.finish(moved)
    world.settle()
    assert [e.reason for e in world.emitted if e.reason == "TagMoved"] == ["TagMoved"]
    assert "sha256:000" in next(e.message for e in world.emitted if e.reason == "TagMoved")
