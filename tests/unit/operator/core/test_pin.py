"""`spec.image.pin`: an image of the history is published, and nothing makes another one."""

import msgspec
import pytest

from inference_image_contract import results
from inference_image_contract.inputs import PublishInput, Retention
from inference_image_operator.api import Spec, read
from inference_image_operator.api.stages import Stage
from inference_image_operator.core.foresee import foresee
from inference_image_operator.core.polling import polls
from inference_image_operator.jobs.stages.publish import publish_input
from inference_image_operator.observed import ReferencedDigests
from kubectl_inferenceimage import placeholders
from tests.support.world import CONFIG, DIGEST, RESULTS, World, report

NEWER = "sha256:" + "e" * 64
CONTENT = "sha256:" + "9" * 64


@pytest.fixture
def world() -> World:
    """An object that has published DIGEST of step 800, then NEWER of step 900."""
    found = World()
    found.spec["image"]["tags"] = ["test", "{step}"]
    found.run_whole()
    found.spec["model"]["checkpoint"]["step"] = 900
    found.generation += 1
    found.settle()
    found.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=900, inputs_hash=CONTENT))
    while found.status.stage:
        found.settle()
        found.finish(with_digest(found.status.stage.name, NEWER))
        found.settle()
    assert [entry.digest for entry in found.status.history] == [NEWER, DIGEST]
    return found


def with_digest(stage: Stage, digest: str) -> results.Result:
    plain = RESULTS[stage]
    return msgspec.structs.replace(plain, digest=digest) if hasattr(plain, "digest") else plain


def edit(world: World, **image: object) -> None:
    world.spec["image"] = {key: value for key, value in (world.spec["image"] | image).items() if value is not None}
    world.generation += 1
    world.settle()


def published(world: World) -> PublishInput:
    return publish_input(world.observed(), world.status, CONFIG)


def test_a_pin_publishes_the_earlier_image_with_its_own_tags(world):
    before = len(world.created)
    edit(world, pin=DIGEST)
    assert world.status.stage.name is Stage.PUBLISH
    asked = published(world)
    assert (asked.digest, asked.tags) == (DIGEST, ("test", "800"))
    world.finish()
    world.settle()
    assert len(world.created) == before + 1
    image = world.status.image
    assert (image.digest, image.step, image.memory_bytes, image.model_prefix) == (DIGEST, 800, 300 << 20, "")
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.summary()["Pinned"] == ("True", "Pinned")
    assert world.summary()["Built"] == ("Unknown", "Pinned")
    assert "step 800" in world.condition("Pinned").message
    assert [entry.digest for entry in world.status.history] == [DIGEST, NEWER, DIGEST]
    assert world.status.history[0].content_hash == world.status.history[2].content_hash
    assert world.settled


def test_edits_of_what_makes_images_start_nothing_while_pinned(world):
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    before = len(world.created)
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "1m"}
    world.spec["test"] = {"enabled": False}
    world.spec["build"] = {"builder": "Append", "resources": {"limits": {"memory": "900Gi"}}}
    world.spec["source"] = {"git": {"url": "https://not.allowed/x", "poll": "1m"}}
    world.generation += 1
    world.settle()
    world.advance(hours=5)
    world.settle()
    assert len(world.created) == before
    assert not polls(world.observed())
    assert world.settled
    assert {c.observed_generation for c in world.status.conditions} == {world.generation}
    assert world.summary()["Ready"] == ("True", "Published")


def test_other_tags_are_moved_while_pinned(world):
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    edit(world, tags=["other"])
    assert world.status.stage.name is Stage.PUBLISH
    assert published(world).tags == ("other",)


def test_a_request_publishes_the_pinned_image_again(world):
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    world.request = "again"
    world.settle()
    assert world.status.stage.name is Stage.PUBLISH
    world.finish()
    world.settle()
    assert world.status.image.digest == DIGEST


def test_a_pin_stops_the_run_under_way(world):
    world.spec["model"]["checkpoint"]["step"] = 1000
    world.generation += 1
    world.settle()
    running = world.claimed.name
    edit(world, pin=NEWER)
    assert world.jobs[running].terminating
    assert world.status.stage.name is Stage.PUBLISH
    assert world.status.stage.job not in world.jobs
    world.remove_terminating()
    world.settle()
    assert world.claimed.stage == Stage.PUBLISH


def test_unpinning_begins_a_run(world):
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    edit(world, pin=None)
    assert world.status.stage.name is Stage.RESOLVE
    assert "Pinned" not in world.summary()
    assert world.summary()["Built"] == ("Unknown", "Pending")
    assert world.status.image.digest == DIGEST


def test_unpinning_from_another_training_is_no_step_back(world):
    """The published step is that of the pinned image, whose prefix is unknown."""
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    world.spec["model"] |= {"prefix": "other/", "checkpoint": {"policy": "Latest"}}
    edit(world, pin=None)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=3))
    world.settle()
    assert "Stalled" not in world.summary()


def test_an_unknown_digest_is_refused_and_what_is_published_stays(world):
    image = world.status.image
    edit(world, pin="sha256:" + "0" * 64)
    assert world.summary()["Ready"] == ("False", "PinUnknown")
    assert "status.history" in world.condition("Ready").message
    assert "Pinned" not in world.summary()
    assert world.status.image == image
    assert world.status.stage is None
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    assert "Stalled" not in world.summary()
    assert world.status.image.digest == DIGEST


def test_an_image_that_the_registry_lost_is_not_remedied_by_a_request(world):
    edit(world, pin=DIGEST)
    lost = results.Failed(reason="DigestInvalid", message="The registry no longer serves it.", hint="annotate")
    for _ in range(3):
        world.fail(report("publish", results.encode(lost), code=13))
        world.settle()
        world.advance(minutes=5)
        world.settle()
    assert world.summary()["Stalled"] == ("True", "DigestInvalid")
    assert "Set spec.image.pin to a digest of status.history, or remove it." in world.condition("Ready").message
    assert world.status.image.digest == NEWER


def test_changed_inputs_never_lead_to_another_resolve(world):
    edit(world, pin=DIGEST)
    changed = results.Failed(reason="SourceChanged", message="Changed.", hint="")
    world.fail(report("publish", results.encode(changed), code=14))
    world.settle()
    assert world.summary()["Stalled"] == ("True", "SourceChanged")


def test_a_suspended_object_is_pinned_when_it_resumes(world):
    world.spec["suspend"] = True
    edit(world, pin=DIGEST)
    assert world.status.stage is None
    assert "Pinned" not in world.summary()
    world.spec["suspend"] = False
    edit(world)
    assert world.status.stage.name is Stage.PUBLISH


def test_the_pinned_image_keeps_the_registrys_alias(world):
    world.status = msgspec.structs.replace(
        world.status, run=msgspec.structs.replace(world.status.run, registry_host="alias.test")
    )
    edit(world, pin=DIGEST)
    assert world.status.run.registry_host == "alias.test"


def test_retention_is_asked_as_ever(world):
    edit(world, pin=DIGEST)
    config = msgspec.structs.replace(CONFIG, registries=msgspec.structs.replace(CONFIG.registries, keep_content_tags=5))
    observed = msgspec.structs.replace(world.observed(), referenced_digests=ReferencedDigests(current=(DIGEST,)))
    assert isinstance(publish_input(observed, world.status, config).retention, Retention)


def test_why_foresees_a_pin_and_edits_below_it(world):
    spec = msgspec.json.decode(msgspec.json.encode(world.spec))
    spec["image"]["pin"] = DIGEST
    found = foresee(world.observed(), read(Spec, spec), "", CONFIG, placeholders.result)
    assert [stage.stage for stage in found.stages if stage.runs] == [Stage.PUBLISH]
    assert found.stages[0].why == "Not needed: spec.image.pin holds an image."
    assert not found.refused
    edit(world, pin=DIGEST)
    world.finish()
    world.settle()
    spec["model"]["checkpoint"]["step"] = 1000
    below = foresee(world.observed(), read(Spec, spec), "", CONFIG, placeholders.result)
    assert (below.begins, below.pinned) == (False, True)
    spec["image"]["pin"] = CONTENT
    assert foresee(world.observed(), read(Spec, spec), "", CONFIG, placeholders.result).refused.startswith("PinUnknown")
