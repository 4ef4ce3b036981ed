"""An object whose tag another one has moved says so, once, until it publishes again."""

from msgspec.structs import replace

from inference_image_operator.core.decide import decide, is_settled
from inference_image_operator.core.decision import Emit
from inference_image_operator.observed import LostTag
from tests.support.world import World

LOST = LostTag(tag="uhub/demo/infer:prod", digest="sha256:new", holder="team-b/other")
TEXT = (
    "team-b/other moved the tag uhub/demo/infer:prod to sha256:new. This object's own image is still available under "
    "status.image.reference. To keep both, give each object its own tags; to take the tags back, set the annotation "
    "uai.ucloud.cn/requestedAt to a new value."
)


def test_a_lost_tag_is_told_once_and_ready_stays():
    world = World()
    world.run_whole()
    observed = replace(world.observed(), lost_tags=(LOST,))
    assert is_settled(world.observed())
    assert not is_settled(observed)
    decision = decide(observed, world.config, world.now)
    assert decision.actions == (Emit(type="Warning", reason="TagTaken", message=TEXT),)
    world.status = decision.status
    lost = world.condition("TagLost")
    assert (lost.status, lost.message) == ("True", TEXT)
    assert world.summary()["Ready"] == ("True", "Published")
    assert is_settled(replace(world.observed(), lost_tags=(LOST,)))


def test_many_lost_tags_are_counted():
    world = World()
    world.run_whole()
    observed = replace(world.observed(), lost_tags=(LOST,) * 7)
    told = decide(observed, world.config, world.now).actions[0].message
    assert told.count("moved the tag") == 5
    assert "Other tags that were moved: 2." in told
    all_shown = decide(replace(observed, lost_tags=(LOST,) * 5), world.config, world.now).actions[0].message
    assert "Other tags" not in all_shown


def test_tags_with_long_names_are_told_once_too():
    """The condition holds less than the longest message."""
    world = World()
    world.run_whole()
    lost = tuple(replace(LOST, tag=f"uhub/{'demo/' * 50}infer:{number}") for number in range(5))
    told = decide(replace(world.observed(), lost_tags=lost), world.config, world.now)
    assert len(told.actions) == 1
    world.status = told.status
    assert is_settled(replace(world.observed(), lost_tags=lost))


def test_the_next_publication_clears_it():
    world = World()
    world.run_whole()
    world.status = decide(replace(world.observed(), lost_tags=(LOST,)), world.config, world.now).status
    world.request = "again"
    world.run_whole()
    assert "TagLost" not in world.summary()
