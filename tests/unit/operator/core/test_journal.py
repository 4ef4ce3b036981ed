"""Golden journals of whole runs: the status changes, the actions and the requeue time of every reconcile.

After an intended change, run `UPDATE_GOLDEN=1 make test-unit` and read the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import yaml

from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api import Status, write
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.core.decide import decide
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.observed import Container, CreateRefusal, Event
from tests.support.world import DIGEST, GRAPH, RESULTS, World, report

GOLDEN = Path(__file__).parents[1] / "golden" / "journal"


class Journal(World):
    """A world that records every reconcile."""

    lines: list[dict]

    def step(self) -> Decision:
        before = self.status
        decision = super().step()
        entry = {"after": int((self.now - self.born).total_seconds()), "status": changed(before, decision.status)}
        entry |= {"does": [told(action) for action in decision.actions], "again": decision.requeue_after}
        kept = {key: value for key, value in entry.items() if value not in ({}, [], None)}
        if len(kept) > 1:
            self.lines.append(kept)
        return decision


def journal() -> Journal:
    world = Journal()
    world.lines, world.born = [], world.now
    return world


def told(action: object) -> str:
    match action:
        case CreateJob(manifest=manifest):
            return f"creates {manifest['metadata']['name']}"
        case DeleteJob(name=name, uid=uid):
            return f"deletes {name} {uid}"
        case Emit(type=kind, reason=reason, message=message):
            return f"says {kind} {reason}: {message}"
    raise TypeError(action)


def changed(before: Status, after: Status) -> dict:
    """The fields that differ, with one entry per condition."""
    old, new = document(before), document(after)
    return {key: new.get(key, "gone") for key in {**old, **new} if old.get(key) != new.get(key)}


def document(status: Status) -> dict:
    found = write(status)
    for condition in found.pop("conditions", []):
        kind = condition["type"]
        found[kind] = f"{condition['status']} {condition['reason']} g{condition['observedGeneration']}"
        found[kind] += f" since {condition['lastTransitionTime']}: {condition['message']}"
    return found


def explained(reason: str) -> bytes:
    return results.encode(results.Failed(reason=reason, message="What is wrong.", hint="What to do."))


def success(world: World) -> None:
    world.settle()
    for stage in Stage:
        world.advance(seconds=21)
        world.set_pod(Container(name="main"))
        world.settle()
        world.finish(PUBLISHED if stage is Stage.TEST else None)
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
    world.advance(seconds=20)
    crash = Container(name="image", waiting="CrashLoopBackOff", exit_code=1, report="a\n boom  x \n", restarts=2)
    world.set_pod(crash, phase="Pending")
    world.step()
    world.step()
    world.remove_terminating()
    world.settle()


def waiting_for_a_secret(world: World) -> None:
    world.settle()
    world.set_pod(Container(name="resolve", waiting="ContainerCreating"), phase="Pending")
    for seconds in (19, 1, 579, 1):
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
    world.queue_position = 0
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
        world.advance(seconds=30)
        text = results.encode(RESULTS[stage])
        world.set_pod(report(MAIN[stage], text), Container(name="istio-proxy"))
        world.step()
        world.step()
        world.remove_terminating()
        world.settle()


def warned_of_a_secret(world: World) -> None:
    world.settle()
    world.advance(seconds=3)
    world.warned = True
    world.events = (Event(reason="FailedMount", message='secret "uhub" not found', time=world.now),)
    world.set_pod(Container(name="resolve", waiting="ContainerCreating"), phase="Pending")
    world.settle()


JOURNEYS = (
    success, reused_image, reused_graph_untested, retries_exhausted, evicted, changed_inputs, crashing_image,
    waiting_for_a_secret, suspended_by_kueue, suspended, suspended_from_the_start, in_queue, edited,
    edited_to_disallowed_spec, job_lost, retry_limit_edited_when_ready, out_of_memory,
    injected_container, warned_of_a_secret,
)  # fmt: skip


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_a_whole_run_equals_its_golden_journal(journey: Callable[[World], None]) -> None:
    world = journal()
    journey(world)
    text = yaml.safe_dump_all(world.lines, sort_keys=True, width=120)
    path = GOLDEN / f"{journey.__name__}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


REFUSALS = [
    (CreateRefusal(reason="QuotaExceeded", message="too much"), "False", 30, True),
    (CreateRefusal(reason="JobInvalid", message="no", final=True), "False", None, False),
    (CreateRefusal(reason="JobNameConflict", message="taken", foreign=True), "False", None, False),
]


@pytest.mark.parametrize(("refusal", "ready", "again", "claimed"), REFUSALS)
def test_a_rejected_job_is_reported_and_retried_if_that_may_help(refusal, ready, again, claimed):
    world = World()
    world.step()
    world.jobs.clear()
    decision = decide(msgspec.structs.replace(world.observed(), refusal=refusal), world.config, world.now)
    told_ = {c.type: (c.status, c.reason, c.message) for c in decision.status.conditions}
    assert told_["Ready"] == (ready, refusal.reason, refusal.message)
    assert told_["Resolved"] == (ready, refusal.reason, refusal.message)
    assert told_.get("Reconciling") == (("True", refusal.reason, refusal.message) if claimed else None)
    assert told_.get("Stalled") == (None if claimed else ("True", refusal.reason, refusal.message))
    assert (decision.status.stage is not None) is claimed
    assert decision.requeue_after == again
    assert not [action for action in decision.actions if not isinstance(action, Emit)]


def test_a_deleted_object_is_left_alone():
    world = World()
    world.settle()
    decision = decide(msgspec.structs.replace(world.observed(), deleting=True), world.config, world.now)
    assert decision == Decision(status=world.status)
