"""Which installation serves an object: the one that its annotation names, or else the one that claimed it."""

import pytest
from msgspec.structs import replace

from inference_image_operator.core.decide import decide, is_foreign
from inference_image_operator.core.decision import Decision
from tests.support.world import CONFIG, World

OURS, OTHER = "system/ours", "system/other"


def claimed() -> World:
    world = World(config=replace(CONFIG, installation=OURS))
    world.settle()
    return world


def test_the_first_status_of_a_run_is_the_claim():
    assert claimed().status.installation == OURS


@pytest.mark.parametrize(
    ("name", "served_by", "foreign"),
    [(OURS, OURS, False), (OURS, OTHER, True), (OURS, "", False), ("", OTHER, False)],
    ids=["ours", "another one's", "nobody's", "without a name"],
)
def test_an_object_of_another_installation_is_left_alone(name, served_by, foreign):
    world = claimed()
    observed = replace(world.observed(), installation=served_by)
    config = replace(CONFIG, installation=name)
    assert is_foreign(observed, config) is foreign
    untouched = Decision(status=observed.status)
    edited = replace(observed, generation=2, request="again")
    assert (decide(edited, config, world.now) == untouched) is foreign


@pytest.mark.parametrize(
    ("only", "excluded", "served"),
    [((), (), True), (("a",), (), True), (("b",), (), False), ((), ("a",), False), (("a",), ("a",), False)],
)
def test_namespaces_are_watched_and_excluded(only, excluded, served):
    assert replace(CONFIG, watch_namespaces=only, exclude_namespaces=excluded).serves("a") is served
