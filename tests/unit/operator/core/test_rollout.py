"""`spec.rollout`: from each phase of a rollout to the next, and after a crash at each write."""

from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Rollout
from inference_image_operator.core import rollout
from inference_image_operator.core.decide import decide, is_settled
from inference_image_operator.core.decision import ApplyImage, Decision
from inference_image_operator.observed import Observed, Refusal, Target
from tests.support.world import CONFIG, DIGEST, RESULTS, World

ALLOWED = replace(CONFIG, rollout=Rollout(allowed=("Deployment", "InferenceService", "ConfigMap")))
REPOSITORY = "uhub.devcluster.test/demo/object-detect-infer"
IMAGE = f"{REPOSITORY}@{DIGEST}"
OTHER_DIGEST = "sha256:" + "e" * 64
OTHER = f"{REPOSITORY}@{OTHER_DIGEST}"
BEFORE = "registry.test/server:v1"
DEPLOYMENT = {"deployment": {"name": "server", "container": "main"}, "timeout": "5m"}
CONFIG_MAP = {"configMap": {"name": "images", "key": "image"}}
SERVICE = {"inferenceService": {"name": "server"}, "timeout": "5m"}
AVAILABLE = {"is_available": True, "progress": "all is well"}
STARTING = {"is_available": False, "progress": "1 of 2 is new"}


@dataclass
class Cluster(World):
    """A world with the target of a rollout."""

    config: object = ALLOWED
    target: Target | None = field(
        default_factory=lambda: Target(
            uid="t", resource_version="1", agrees_with="detector", image=BEFORE, lacks="lacks it.", **AVAILABLE
        )
    )
    applied: list[str] = field(default_factory=list)
    refused: Refusal | None = None
    unread: Refusal | None = None
    """Why the target cannot be read."""
    crash: bool = False
    """The operator ends after its next write of the status, before it acts."""

    def observed(self) -> Observed:
        found = super().observed()
        if not rollout.needs_target(found, self.config):
            return found
        if self.unread:
            return replace(found, target_refusal=self.unread)
        return replace(found, target_read=True, target=self.target)

    def step(self) -> Decision:
        if self.crash:
            self.crash = False
            decision = decide(self.observed(), self.config, self.now)
            self.status = decision.status
            return decision
        decision = super().step()
        for action in decision.actions:
            if isinstance(action, ApplyImage):
                self.apply(action)
        return decision

    def apply(self, action: ApplyImage) -> None:
        assert (action.uid, action.resource_version) == ("t", "1")
        if self.refused:
            refused = replace(self.observed(), apply_refusal=self.refused)
            self.status = decide(refused, self.config, self.now).status
            return
        self.applied.append(action.image)
        self.target = replace(
            self.target, image=action.image, owned=True, **(STARTING if action.kind != "ConfigMap" else {})
        )

    def change(self, **fields: object) -> None:
        self.target = replace(self.target, **fields)

    @property
    def announced(self) -> list[tuple[str, str]]:
        return [(event.type, event.reason) for event in self.emitted if event.reason.startswith("Roll")]

    @property
    def told(self) -> tuple[str, str]:
        return self.summary()["RolledOut"]

    def publish(self, digest: str) -> None:
        """Another image becomes the published one."""
        self.spec["image"]["tags"] = [digest[-5:]]
        self.generation += 1
        self.settle()
        while self.status.stage:
            plain = RESULTS[self.status.stage.name]
            changes = {"digest": digest} if hasattr(plain, "digest") else {}
            if self.status.stage.name is Stage.RESOLVE:
                changes = {"inputs_hash": digest}
            self.finish(msgspec.structs.replace(plain, **changes))
            self.settle()


@pytest.fixture
def world() -> Cluster:
    found = Cluster()
    found.spec["rollout"] = DEPLOYMENT
    found.run_whole()
    return found


def test_a_published_image_is_handed_over_and_awaited(world):
    assert world.applied == [IMAGE]
    state = world.status.rollout
    assert (state.target, state.image, state.previous_image) == ("Deployment/server", IMAGE, BEFORE)
    assert state.phase == "Waiting"
    assert world.told == ("Unknown", "RollingOut")
    assert "Waiting for Deployment/server: 1 of 2 is new." in world.condition("RolledOut").message
    assert world.summary()["Ready"] == ("True", "Published")
    assert not world.settled
    assert world.step().requeue_after == 5
    world.change(**AVAILABLE)
    world.settle()
    assert world.told == ("True", "RolledOut")
    assert world.condition("RolledOut").message == f"Deployment/server runs {IMAGE}: all is well."
    assert world.settled
    assert world.announced == [("Normal", "RollingOut"), ("Normal", "RolledOut")]
    world.advance(days=1)
    world.settle()
    assert world.applied == [IMAGE]


@pytest.mark.parametrize(
    ("seconds", "fields", "why"),
    [(300, {}, "was not available within 5m"), (1, {"is_stuck": True}, "exceeded its progressDeadlineSeconds")],
)
def test_what_is_not_available_in_time_gets_its_image_back(world, seconds, fields, why):
    world.change(said="Pod server-1, container main: exit code 1: no model", **fields)
    world.advance(seconds=seconds)
    world.settle()
    assert world.applied == [IMAGE, BEFORE]
    assert world.told == ("False", "RolledBack")
    text = world.condition("RolledOut").message
    assert f"Deployment/server {why} with {IMAGE}. Pod server-1, container main: exit code 1: no model" in text
    assert f"has {BEFORE} again" in text
    assert "to try it again" in text
    assert world.announced == [("Normal", "RollingOut"), ("Warning", "RolledBack")]
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.settled
    world.advance(days=1)
    world.settle()
    assert len(world.applied) == 2


@pytest.mark.parametrize("well", [True, False])
def test_an_inference_service_is_treated_as_a_deployment_is(well):
    world = Cluster()
    world.spec["rollout"] = SERVICE
    world.run_whole()
    assert world.applied == [IMAGE]
    assert world.status.rollout.target == "InferenceService/server"
    assert world.told == ("Unknown", "RollingOut")
    if well:
        world.change(**AVAILABLE)
    world.advance(seconds=301)
    world.settle()
    assert world.told == (("True", "RolledOut") if well else ("False", "RolledBack"))
    assert world.applied == ([IMAGE] if well else [IMAGE, BEFORE])


@pytest.mark.parametrize("end", [AVAILABLE, STARTING], ids=["well", "badly"])
def test_a_crash_between_the_claim_and_each_write_changes_nothing(end):
    plain, crashing = Cluster(), Cluster()
    for found in (plain, crashing):
        found.spec["rollout"] = DEPLOYMENT
        found.run_whole() if found is plain else None
    crashing.settle()
    while crashing.status.stage:
        crashing.finish()
        for _ in range(6):
            crashing.crash = True
            crashing.step()
            crashing.step()
    for found in (plain, crashing):
        found.change(**end)
        found.advance(seconds=400)
        for _ in range(6):
            found.crash = found is crashing
            found.step()
            found.step()
        found.settle()
    assert crashing.applied == plain.applied
    assert crashing.told == plain.told
    assert replace(crashing.status.rollout, start_time=None) == replace(plain.status.rollout, start_time=None)


def test_a_request_tries_an_image_again_that_was_rolled_back(world):
    world.advance(seconds=301)
    world.settle()
    world.request = "again"
    world.run_whole()
    assert world.applied == [IMAGE, BEFORE, IMAGE]
    assert world.status.rollout.previous_image == BEFORE
    assert world.told == ("Unknown", "RollingOut")


def test_another_image_goes_back_to_the_last_one_that_was_available(world):
    """The first image never was, so the second one's way back is the one before both."""
    world.publish(OTHER_DIGEST)
    assert world.applied == [IMAGE, OTHER]
    assert world.status.rollout.previous_image == BEFORE
    world.advance(seconds=301)
    world.settle()
    assert world.applied == [IMAGE, OTHER, BEFORE]


def test_an_image_that_was_available_is_what_the_next_one_goes_back_to(world):
    world.change(**AVAILABLE)
    world.settle()
    world.publish(OTHER_DIGEST)
    assert world.status.rollout.previous_image == IMAGE


def test_the_wait_goes_on_while_another_run_is_under_way(world):
    world.request = "again"
    world.settle()
    assert world.status.stage
    world.advance(seconds=301)
    world.settle()
    assert world.applied == [IMAGE, BEFORE]
    assert world.told == ("False", "RolledBack")
    assert world.status.stage


def test_a_rollout_begins_after_the_run_and_not_while_suspended():
    world = Cluster()
    world.run_whole()
    world.spec["suspend"] = True
    world.spec["rollout"] = DEPLOYMENT
    world.generation += 1
    world.settle()
    assert world.status.rollout is None
    world.spec["suspend"] = False
    world.generation += 1
    before = len(world.created)
    world.settle()
    assert world.applied == [IMAGE]
    assert len(world.created) == before


def test_a_target_that_has_the_image_becomes_the_operators_too(world):
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.change(image=IMAGE)
    world.run_whole()
    assert world.applied == [IMAGE]
    assert world.status.rollout.previous_image == ""


def test_without_an_image_before_there_is_no_way_back():
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.change(image=IMAGE)
    world.run_whole()
    world.advance(seconds=301)
    world.settle()
    assert world.applied == [IMAGE]
    assert world.told == ("False", "RolloutNotAvailable")


def test_what_a_pod_says_has_an_end():
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.change(image=IMAGE)
    world.run_whole()
    world.change(said="x" * 2000)
    world.advance(seconds=301)
    world.settle()
    text, _, _ = world.condition("RolledOut").message.partition(" It had no other image before.")
    assert (len(text), text[-2:]) == (601, "x.")


def test_a_target_that_no_longer_agrees_is_not_taken_back(world):
    world.change(agrees_with="")
    world.advance(seconds=301)
    world.settle()
    assert world.applied == [IMAGE]
    assert (world.status.rollout.phase, world.told) == ("RollingBack", ("False", "RolloutNotAgreed"))
    assert world.step().requeue_after == 60


@pytest.mark.parametrize("phase", ["Waiting", "RollingBack"])
def test_an_image_that_somebody_else_sets_stays(world, phase):
    if phase == "RollingBack":
        world.crash = True
        world.advance(seconds=301)
        world.step()
        assert world.told == ("Unknown", "RollingOut")
        assert "Putting the image before back." in world.condition("RolledOut").message
    assert world.status.rollout.phase == phase
    world.change(image="other.test/x", owned=False)
    world.settle()
    assert world.applied == [IMAGE]
    assert world.told == ("False", "RolloutReplaced" if phase == "Waiting" else "RolledBack")
    assert "other.test/x" in world.condition("RolledOut").message


@pytest.mark.parametrize(
    ("fields", "reason", "text"),
    [
        ({"agrees_with": ""}, "RolloutNotAgreed", "no annotation uai.ucloud.cn/rollout-from: detector"),
        ({"agrees_with": "another"}, "RolloutNotAgreed", "no annotation"),
        ({"image": None}, "RolloutTargetNotFound", "Deployment/server lacks it. Correct it, or spec.rollout."),
    ],
)
def test_a_target_that_cannot_be_changed_is_looked_at_again(fields, reason, text):
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.change(**fields)
    world.run_whole()
    assert world.applied == []
    assert world.told == ("False", reason)
    assert text in world.condition("RolledOut").message
    assert world.summary()["Ready"] == ("True", "Published")
    assert world.announced == [("Warning", reason)]
    writes = world.writes
    assert world.step().requeue_after == 60
    assert world.writes == writes
    world.change(agrees_with="detector", image=BEFORE)
    world.settle()
    assert world.applied == [IMAGE]


def test_a_target_that_does_not_exist_is_looked_for_again(world):
    world = Cluster()
    there, world.target = world.target, None
    world.spec["rollout"] = DEPLOYMENT
    world.run_whole()
    assert world.told == ("False", "RolloutTargetNotFound")
    world.target = there
    world.settle()
    assert world.applied == [IMAGE]


def test_a_kind_that_the_cluster_does_not_serve_is_looked_for_again():
    world = Cluster(unread=Refusal(reason=Reason.ROLLOUT_KIND_NOT_SERVED, message="Install KServe."))
    world.spec["rollout"] = SERVICE
    world.run_whole()
    assert world.told == ("False", "RolloutKindNotServed")
    assert world.condition("RolledOut").message == "Install KServe."
    assert world.step().requeue_after == rollout.BLOCKED_CHECK
    world.unread = None
    world.settle()
    assert world.applied == [IMAGE]


def test_a_kind_that_is_not_allowed_is_not_read():
    world = Cluster(config=CONFIG)
    world.spec["rollout"] = DEPLOYMENT
    world.run_whole()
    assert world.told == ("False", "RolloutNotAllowed")
    assert "This installation allows these kinds: none." in world.condition("RolledOut").message
    assert not world.observed().target_read
    assert world.applied == []
    del world.spec["rollout"]
    world.generation += 1
    world.settle()
    assert "RolledOut" not in world.summary()


def test_a_refused_write_says_why_and_keeps_the_claim():
    world = Cluster(refused=Refusal(reason=Reason.ROLLOUT_CONFLICT, message="helm owns it."))
    world.spec["rollout"] = DEPLOYMENT
    world.run_whole()
    assert world.told == ("False", "RolloutConflict")
    assert (world.status.rollout.phase, world.status.rollout.previous_image) == ("Applying", BEFORE)
    writes = world.writes
    world.advance(hours=1)
    world.settle()
    assert world.writes == writes
    world.refused = None
    world.step()
    world.settle()
    assert world.applied == [IMAGE]
    assert world.told == ("Unknown", "RollingOut")
    assert world.status.rollout.start_time == world.now


def test_a_webhook_that_keeps_the_image_away_is_not_asked_every_second(world):
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.apply = lambda action: world.applied.append(action.image)  # the target stays as it is
    world.run_whole()
    assert world.told == ("Unknown", "RollingOut")
    assert world.condition("RolledOut").message == f"Handing {IMAGE} to Deployment/server."
    assert world.step().requeue_after == 1
    world.advance(seconds=10)
    assert world.step().requeue_after == 60
    world.change(image=IMAGE, owned=True, **STARTING)
    assert world.step().requeue_after == 5


def test_a_target_is_read_right_after_the_run():
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.settle()
    while world.status.stage.name is not Stage.PUBLISH:
        world.finish()
        world.settle()
    world.finish()
    assert world.step().requeue_after == rollout.WRITTEN_CHECK
    world.settle()
    assert world.applied == [IMAGE]


def test_a_config_map_has_the_image_and_nothing_is_awaited():
    world = Cluster()
    world.spec["rollout"] = CONFIG_MAP
    world.change(image="")
    world.run_whole()
    assert world.applied == [IMAGE]
    assert world.told == ("True", "RolledOut")
    assert world.status.rollout.previous_image == ""
    assert world.settled


def test_a_rollout_that_is_removed_leaves_the_status_and_the_target(world):
    del world.spec["rollout"]
    world.generation += 1
    world.settle()
    assert world.status.rollout is None
    assert "RolledOut" not in world.summary()
    assert world.applied == [IMAGE]
    assert world.settled


def test_the_condition_follows_a_generation_that_changes_nothing(world):
    world.change(**AVAILABLE)
    world.settle()
    world.spec["image"]["tags"] = ["other"]
    world.generation += 1
    world.settle()
    world.finish(
        msgspec.structs.replace(RESULTS[Stage.RESOLVE], image=RESULTS[Stage.BUILD], graph=RESULTS[Stage.EXPORT].graph)
    )
    world.run_whole()
    assert {c.observed_generation for c in world.status.conditions} == {world.generation}
    assert world.applied == [IMAGE]
    assert is_settled(world.observed())


def test_a_failed_run_hands_nothing_over():
    world = Cluster()
    world.spec["rollout"] = DEPLOYMENT
    world.settle()
    world.fail(reason="DeadlineExceeded")
    world.settle()
    assert world.status.rollout is None
    assert "RolledOut" not in world.summary()


def test_a_poll_and_a_wait_keep_the_earlier_time():
    world = Cluster()
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "1m"}
    world.spec["rollout"] = DEPLOYMENT
    world.run_whole()
    assert world.step().requeue_after == rollout.WAIT_CHECK
    world.change(**AVAILABLE)
    world.settle()
    assert 5 < world.step().requeue_after <= 60


def test_a_pin_rolls_the_pinned_image_out(world):
    world.change(**AVAILABLE)
    world.settle()
    world.publish(OTHER_DIGEST)
    world.change(**AVAILABLE)
    world.settle()
    world.spec["image"]["pin"] = DIGEST
    world.generation += 1
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.PUBLISH], digest=DIGEST))
    world.settle()
    assert world.applied == [IMAGE, OTHER, IMAGE]
