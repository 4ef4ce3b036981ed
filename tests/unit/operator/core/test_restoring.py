"""Restores of archived inputs: they wait up to a deadline, count as no attempt, and block no other pipeline."""

from datetime import UTC, datetime

import msgspec
import pytest

from inference_image_contract import inputs, results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Concurrency, Restores, RestoreWait
from inference_image_operator.core import waiting
from inference_image_operator.jobs import poll_job
from inference_image_operator.runtime.job_signals import JobSignals
from inference_image_operator.runtime.last_written import LastWritten
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.pipeline_limiter import PipelineLimiter
from inference_image_operator.runtime.reconcile import Reconciler
from inference_image_operator.runtime.tag_holders import TagHolders
from tests.support.world import CONFIG, World, report

MESSAGE = "3 objects in bucket 'uai-demo' are being restored from class ARCHIVE (Standard, which takes 1 to 5 hours)."
QUICK = Restores(standard=RestoreWait(every="15m", deadline="45m"))


def ended(code: ExitCode = ExitCode.RESTORING, reason: str = "ObjectRestoring", message: str = MESSAGE):
    failed = results.Failed(reason=reason, message=message, hint="Nothing to do.")
    return report("resolve", results.encode(failed), code, "Error")


@pytest.fixture
def world() -> World:
    world = World()
    world.spec["ufile"] |= {"restore": "Standard"}
    world.config = msgspec.structs.replace(CONFIG, ufile=msgspec.structs.replace(CONFIG.ufile, restore=QUICK))
    world.settle()
    return world


def checks(world, times, **failure):
    """Ends the Resolve Job `times` times, each time after the delay in the status."""
    for _ in range(times):
        world.fail(ended(**failure))
        world.settle()
        world.advance(minutes=15)
        world.settle()


def asked(job: dict) -> inputs.ResolveInput:
    (resolve,) = job["spec"]["template"]["spec"]["containers"]
    text = next(item["value"] for item in resolve["env"] if item["name"] == "INFERENCE_IMAGE_INPUT")
    return msgspec.json.decode(text.replace("$$", "$"), type=inputs.ResolveInput)


def test_restore_reaches_the_job_and_is_omitted_by_default(world):
    assert asked(world.created[0]).restore == "Standard"
    plain = World()
    plain.settle()
    assert "restore" not in msgspec.json.decode(inputs.encode(asked(plain.created[0])))


def test_a_restore_emits_one_event_and_is_waited_for(world):
    world.fail(ended())
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "ObjectRestoring")
    assert world.summary()["Resolved"] == ("Unknown", "ObjectRestoring")
    assert world.summary()["Reconciling"] == ("True", "ObjectRestoring")
    assert world.condition("Ready").message == f"{MESSAGE} Nothing to do. Check 1 of 3 follows in 15m."
    assert world.status.last_failure is None
    assert len(world.created) == 1
    world.advance(minutes=14, seconds=59)
    world.settle()
    assert len(world.created) == 1
    world.advance(seconds=1)
    world.settle()
    assert len(world.created) == 2
    assert world.summary()["Ready"] == ("Unknown", "Resolving")
    world.fail(ended())
    world.settle()
    assert [(said.type, said.reason) for said in world.emitted] == [("Normal", "ObjectRestoring")]


def test_after_the_restore_the_run_continues(world):
    checks(world, 2)
    assert (world.status.stage.attempt, world.status.stage.waits, world.status.stage.failures) == (3, 2, 0)
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_after_the_deadline_a_restore_stalls(world):
    checks(world, 3)
    assert "Stalled" not in world.summary()
    world.fail(ended())
    world.settle()
    assert world.summary()["Ready"] == ("False", "RestoreTimedOut")
    assert world.summary()["Stalled"] == ("True", "RestoreTimedOut")
    message = world.condition("Ready").message
    assert message.startswith(f"The restore (Standard) did not finish within 45m: {MESSAGE}")
    assert "console of US3" in message
    assert "It failed" not in message
    assert (world.status.last_failure.reason, world.status.last_failure.stage) == ("RestoreTimedOut", "Resolve")
    assert world.settled


def test_failures_between_checks_still_count(world):
    world.spec["retry"] = {"limit": 1}
    checks(world, 2)
    for _ in range(2):
        world.fail(ended(ExitCode.UNAVAILABLE, "UFileUnavailable", "It does not answer."))
        world.settle()
        world.advance(minutes=5)
        world.settle()
    assert world.summary()["Stalled"] == ("True", "UFileUnavailable")
    assert world.condition("Ready").message == "It does not answer. Nothing to do. It failed 2 times."


def test_checks_of_a_restore_use_up_no_attempts(world):
    many = Restores(standard=RestoreWait(every="15m", deadline="12h"))
    world.config = msgspec.structs.replace(CONFIG, ufile=msgspec.structs.replace(CONFIG.ufile, restore=many))
    checks(world, 40)
    assert world.status.stage.waits == 40
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_the_expedited_tier_has_its_own_times(world):
    world.spec["ufile"] |= {"restore": "Expedited"}
    world.generation = 2
    world.settle()
    world.remove_terminating()
    world.settle()
    world.fail(ended())
    world.settle()
    assert "Check 1 of 30 follows in 2m." in world.condition("Ready").message


def test_a_change_of_restore_starts_a_run():
    world = World()
    world.settle()
    world.fail(ended(ExitCode.BAD_INPUT, "ObjectArchived", "1 object is archived."))
    world.settle()
    assert world.summary()["Stalled"][0] == "True"
    world.spec["ufile"]["restore"] = "Standard"
    world.generation = 2
    world.settle()
    assert asked(world.created[-1]).restore == "Standard"


def test_a_poll_restores_nothing(world):
    world.run_whole()
    assert asked(poll_job(world.observed(), "name", "content", world.config)).restore == ""


# ---- the place among the pipelines ----


class Restoring:
    """A cluster with one object that waits for a restore."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.created = 0

    async def get_inference_image(self, namespace: str, name: str) -> dict:
        meta = {"namespace": namespace, "name": name, "uid": self._world.uid, "generation": 1}
        meta |= {"resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
        return {"metadata": meta, "spec": self._world.spec, "status": write(self._world.status)}

    async def list_jobs(self, *_: str) -> list[dict]:
        return []

    async def apply_status(self, *_: object) -> dict:
        return {}

    async def create_job(self, _: dict) -> None:
        self.created += 1


@pytest.mark.parametrize(("minutes", "place"), [(1, None), (16, 1)], ids=["while it waits", "when it checks"])
async def test_another_pipeline_may_run_during_a_restore(world, minutes, place):
    world.fail(ended())
    world.settle()
    now = datetime.fromtimestamp(world.now.timestamp() + 60 * minutes, UTC)
    limiter, woken, cluster = PipelineLimiter(Concurrency(total=1)), [], Restoring(world)
    reconciler = Reconciler(
        cluster,
        world.config,
        lambda: now,
        limiter,
        wake=woken.append,
        signals=JobSignals(lambda *_: None),
        tags=TagHolders(lambda _: None),
        written=LastWritten(),
        metrics=Metrics(),
    )
    assert limiter.acquire(("space", "first"), "2025-01-01T00:00:00Z") is None
    limiter.release(("space", "first"))
    await reconciler(("space", "detector"))
    assert cluster.created == (place or 0)
    assert limiter.acquire(("space", "other"), "2026-02-01T00:00:00Z") == place


def test_a_restoring_object_waits_first_and_queues_then(world):
    """The queue does not shorten the wait, and the wait does not cost the place in the queue."""
    world.fail(ended())
    world.settle()
    world.queue_position = 2
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "ObjectRestoring")
    world.advance(minutes=15)
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "Queued")
    world.queue_position = None
    world.settle()
    assert world.summary()["Ready"] == ("Unknown", "Resolving")
    assert len(world.created) == 2


def test_only_a_wait_for_a_restore_releases_the_slot():
    world = World()
    decision = world.step()
    assert not waiting.for_restore(decision)
    world.settle()
    world.fail(ended(ExitCode.UNAVAILABLE, "UFileUnavailable", "It does not answer."))
    assert not waiting.for_restore(world.step())


# ---- what else US3 has to say ----


def test_a_graph_that_must_not_be_overwritten_is_reported():
    world = World()
    world.run_to(Stage.EXPORT)
    plain = results.Exported(
        graph=inputs.Graph(key="out/f/frozen_inference_graph.pb", sha256="a" * 64, size=1000),
        not_overwritten="out/frozen_inference_graph.pb",
    )
    world.finish(plain)
    world.settle()
    assert world.summary()["Exported"] == ("True", "Exported")
    assert "out/frozen_inference_graph.pb holds another graph" in world.condition("Exported").message
    (said,) = [emit for emit in world.emitted if emit.type == "Warning"]
    assert said.reason == "OverwriteForbidden"
    assert "The graph is out/f/frozen_inference_graph.pb" in said.message
    assert world.status.stage.name == Stage.BUILD
