"""Whole runs of one object in a simulated cluster, each with what may happen to it."""

import msgspec

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.observed import Container, Event
from tests.support.world import DIGEST, GRAPH, RESULTS, World, report


def explained(reason: str) -> bytes:
    return results.encode(results.Failed(reason=reason, message="What is wrong.", hint="What to do."))


def success(world: World) -> None:
    world.settle()
    for stage in Stage:
        world.advance(seconds=61)
        world.set_pod(Container(name="main"))
        world.settle()
        world.finish(PUBLISHED if stage is Stage.PUBLISH else None)
        world.settle()
    world.advance(hours=1)
    world.settle()


PUBLISHED = results.Published(
    digest=DIGEST,
    size=7,
    tags=(results.MovedTag(tag="test", previous="sha256:" + "0" * 64), results.MovedTag(tag="same", previous=DIGEST)),
)


def reused_image(world: World) -> None:
    world.settle()
    built = results.Built(digest=DIGEST, size=1)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=GRAPH, image=built))
    world.run_whole()


def reused_graph_untested(world: World) -> None:
    world.spec["test"] = {"enabled": False}
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], graph=GRAPH))
    world.run_whole()


def retries_exhausted(world: World) -> None:
    world.run_to(Stage.EXPORT)
    for _ in range(3):
        world.fail(report("export", explained("UFileUnavailable"), ExitCode.UNAVAILABLE, "Error"))
        world.settle()
        world.advance(seconds=1)
        world.settle()
        world.advance(minutes=5)
        world.settle()


def evicted(world: World) -> None:
    world.spec["retry"] = {"limit": 0}
    world.settle()
    for _ in range(2):
        world.fail(Container(name="resolve"), message="The node was low on memory.", disrupted=True)
        world.settle()
        world.advance(minutes=5)
        world.settle()


def changed_inputs(world: World) -> None:
    world.spec["retry"] = {"limit": 1}
    for _ in range(2):
        world.run_to(Stage.EXPORT)
        world.fail(report("export", explained("SourceChanged"), ExitCode.SOURCE_CHANGED, "Error"))
        world.settle()


def crashing_image(world: World) -> None:
    world.run_to(Stage.TEST)
    world.advance(seconds=60)
    crash = Container(name="image", waiting="CrashLoopBackOff", exit_code=1, report="a\n boom  x \n", restarts=2)
    world.set_pod(crash, phase="Pending")
    world.step()
    world.step()
    world.remove_terminating()
    world.settle()


def waiting_for_a_secret(world: World) -> None:
    world.settle()
    world.set_pod(Container(name="resolve", waiting="ContainerCreating"), phase="Pending")
    for seconds in (59, 1, 539, 1):
        world.advance(seconds=seconds)
        world.settle()
        world.events = (Event(reason="FailedMount", message='secret "uhub" not found', time=world.now),)
    world.events = ()
    world.set_pod(Container(name="resolve"))
    world.settle()
    world.finish()
    world.settle()


def suspended_by_kueue(world: World) -> None:
    world.settle()
    name = world.claimed.name
    world.jobs[name] = msgspec.structs.replace(world.claimed, suspended=True)
    world.settle()
    world.jobs[name] = msgspec.structs.replace(world.claimed, suspended=False, ready=1)
    world.settle()


def suspended(world: World) -> None:
    world.run_to(Stage.EXPORT)
    world.spec["suspend"], world.generation = True, 2
    world.settle()
    world.finish()
    world.settle()
    world.spec["suspend"], world.generation = False, 3
    world.settle()


def suspended_from_the_start(world: World) -> None:
    world.spec["suspend"] = True
    world.settle()
    world.spec["suspend"], world.generation = False, 2
    world.settle()


def in_queue(world: World) -> None:
    world.queue_position = 3
    world.settle()
    for seconds in (59, 1):
        world.advance(seconds=seconds)
        world.queue_position = 2
        world.settle()
    world.queue_position = None
    world.settle()


def edited(world: World) -> None:
    world.run_to(Stage.EXPORT)
    world.spec["model"]["checkpoint"]["step"], world.generation = 900, 2
    world.step()
    world.step()
    world.remove_terminating()
    world.settle()


def edited_to_disallowed_spec(world: World) -> None:
    world.settle()
    world.spec["scheduling"], world.generation = {"priorityClassName": "system-node-critical"}, 2
    world.step()
    world.step()
    world.remove_terminating()
    world.settle()


def job_lost(world: World) -> None:
    world.settle()
    world.jobs.clear()
    world.settle()
    world.advance(seconds=2)
    world.settle()


def retry_limit_edited_when_ready(world: World) -> None:
    world.run_whole()
    world.spec["retry"], world.generation = {"limit": 9}, 2
    world.settle()


def out_of_memory(world: World) -> None:
    world.run_to(Stage.BUILD)
    for _ in range(2):
        world.fail(report("assemble", "{}"), report("kaniko", "x", 137, "OOMKilled"))
        world.settle()
        world.advance(minutes=5)
        world.settle()


def injected_container(world: World) -> None:
    world.settle()
    for stage in Stage:
        world.early_check = True
        text = results.encode(RESULTS[stage])
        world.set_pod(report(MAIN[stage], text), Container(name="istio-proxy"))
        world.step()
        world.step()
        world.remove_terminating()
        world.settle()


def warned_of_a_secret(world: World) -> None:
    world.settle()
    world.advance(seconds=3)
    world.early_check = True
    world.events = (Event(reason="FailedMount", message='secret "uhub" not found', time=world.now),)
    world.set_pod(Container(name="resolve", waiting="ContainerCreating"), phase="Pending")
    world.settle()


def suspended_when_published(world: World) -> None:
    world.run_whole()
    world.spec["suspend"], world.generation = True, 2
    world.settle()
    world.spec["model"]["checkpoint"]["step"], world.generation = 900, 3
    world.settle()
    world.spec["model"]["checkpoint"]["step"], world.generation = 800, 4  # taken back: the image is that of the spec
    world.settle()
    world.spec["suspend"], world.generation = False, 5
    world.settle()


def suspended_when_failed(world: World) -> None:
    world.settle()
    world.fail(report("resolve", explained("CheckpointNotFound"), ExitCode.NOT_FOUND, "Error"))
    world.settle()
    world.spec["suspend"], world.generation = True, 2
    world.settle()


def suspended_before_a_retry(world: World) -> None:
    world.settle()
    world.fail(report("resolve", explained("UFileUnavailable"), ExitCode.UNAVAILABLE, "Error"))
    world.settle()
    world.spec["suspend"], world.generation = True, 2
    world.advance(seconds=60)
    world.settle()
    world.spec["suspend"], world.generation = False, 3
    world.settle()


def archived_inputs(world: World) -> None:
    world.settle()
    world.fail(report("resolve", explained("ObjectRestoring"), ExitCode.RESTORING, "Error"))
    world.settle()


def polled(world: World) -> None:
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "10m"}
    world.run_whole()
    world.advance(minutes=11)
    world.settle()
    world.end_poll(report("resolve", explained("UFileForbidden"), ExitCode.FORBIDDEN, "Error"), "BackoffLimitExceeded")
    world.settle()
    world.remove_terminating()
    world.advance(minutes=11)
    for _ in range(3):
        world.step()
        world.remove_terminating()
    newer = msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=900, inputs_hash="sha256:" + "9" * 64)
    world.end_poll(report("resolve", results.encode(newer)))
    world.settle()


JOURNEYS = (
    success, reused_image, reused_graph_untested, retries_exhausted, evicted, changed_inputs, crashing_image,
    waiting_for_a_secret, suspended_by_kueue, suspended, suspended_from_the_start, in_queue, edited,
    edited_to_disallowed_spec, job_lost, retry_limit_edited_when_ready, out_of_memory,
    injected_container, warned_of_a_secret, suspended_when_published, suspended_when_failed, suspended_before_a_retry,
    archived_inputs, polled,
)  # fmt: skip
