"""Nobody's many keys keep the keys of others from a worker."""

import asyncio

import pytest

from inference_image_operator.runtime.turns import Turns


def turns(*keys: str, most: int = 100) -> Turns[str]:
    """The group of a key is its first letter."""
    found = Turns(lambda key: key[0], most)
    for key in keys:
        found.put(key)
    return found


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("a1 a2 a3", "a1 a2 a3"),
        ("a1 a2 a3 b1 c1", "a1 b1 c1 a2 a3"),
        ("a1 a2 b1 b2", "a1 b1 a2 b2"),
    ],
)
async def test_groups_take_turns(keys: str, expected: str) -> None:
    found = turns(*keys.split())
    assert [await found.take() for _ in keys.split()] == expected.split()


async def test_a_group_with_slow_work_leaves_workers_to_others() -> None:
    found = turns("a1", "a2", "a3", "a4", most=2)
    assert [await found.take(), await found.take()] == ["a1", "a2"]
    waiting = asyncio.create_task(found.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    found.put("b1")
    assert await waiting == "b1"
    waiting = asyncio.create_task(found.take())
    await asyncio.sleep(0)
    found.done("a1")
    assert await waiting == "a3"
