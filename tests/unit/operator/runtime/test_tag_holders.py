"""Who holds a tag: the newest publication, and who is told."""

from datetime import timedelta

import pytest

from inference_image_operator.observed import LostTag
from inference_image_operator.runtime.tag_holders import Publication, TagHolders, publication
from tests.support.world import DIGEST, START, World

A, B = ("team-a", "detector"), ("team-b", "other")
PROD, TEST = "uhub/demo/infer:prod", "uhub/demo/infer:test"


def published(digest: str, minutes: int, *tags: str) -> Publication:
    return Publication(digest, START + timedelta(minutes=minutes), frozenset(tags))


OLD = published("sha256:old", 0, PROD, TEST)
NEW = published("sha256:new", 1, PROD)


@pytest.fixture
def woken() -> list:
    return []


@pytest.fixture
def holders(woken) -> TagHolders:
    return TagHolders(woken.append)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["as published", "as listed after a restart"])
def test_the_loser_is_woken_and_knows_the_winner(holders, woken, order):
    seen = [(A, OLD), (B, NEW)]
    for position in order:
        holders.saw(*seen[position])
    assert woken == [A]
    assert holders.lost(A) == (LostTag(tag=PROD, digest="sha256:new", holder="team-b/other"),)
    assert holders.lost(B) == ()


def test_equal_content_under_one_tag_is_no_loss(holders):
    holders.saw(A, OLD)
    holders.saw(B, published("sha256:old", 1, PROD))
    assert holders.lost(A) == ()


def test_a_new_publication_takes_the_tag_back(holders, woken):
    holders.saw(A, OLD)
    holders.saw(B, NEW)
    holders.saw(A, published("sha256:third", 2, PROD))
    assert woken == [A, B]
    assert holders.lost(A) == ()
    assert holders.lost(B) == (LostTag(tag=PROD, digest="sha256:third", holder="team-a/detector"),)


def test_an_unchanged_status_wakes_nobody(holders, woken):
    for _ in range(2):
        holders.saw(A, OLD)
        holders.saw(B, NEW)
    assert woken == [A]


def test_a_deleted_object_and_tags_no_longer_published_are_forgotten(holders, woken):
    holders.saw(A, OLD)
    holders.saw(B, NEW)
    holders.saw(B, None)
    holders.saw(A, published("sha256:old", 2, TEST))
    holders.saw(B, published("sha256:new", 3, PROD))
    assert woken == [A]
    assert holders.lost(A) == ()
    holders.saw(("x", "never published"), None)


def test_a_publication_is_read_from_the_status():
    world = World()
    assert publication(world.observed()) is None
    world.run_whole()
    tag = "uhub.devcluster.test/demo/object-detect-infer:test"
    assert publication(world.observed()) == Publication(DIGEST, world.now, frozenset({tag}))
