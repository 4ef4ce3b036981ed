"""The shared cache: one fetch per key and time, shared errors, independent cancellation."""

import asyncio
import contextlib

import pytest

from inference_image_operator.kube.ttl_cache import TtlCache


class Source:
    """A source that answers when released, and counts the calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, key: str) -> int:
        self.asked.append(key)
        await self.go.wait()
        if self.error:
            raise self.error
        return len(self.asked)


async def test_callers_share_one_answer():
    source = Source()
    cache = TtlCache(source, 60)
    asking = [asyncio.create_task(cache.get("a")) for _ in range(3)]
    source.go.set()
    assert [await task for task in asking] == [1, 1, 1]
    assert await cache.get("a") == 1
    assert source.asked == ["a"]


async def test_each_key_has_its_own_answer():
    source = Source()
    source.go.set()
    cache = TtlCache(source, 60)
    assert [await cache.get("a"), await cache.get("b")] == [1, 2]
    assert source.asked == ["a", "b"]


async def test_an_answer_expires():
    source = Source()
    source.go.set()
    cache = TtlCache(source, 0.01)
    assert await cache.get("a") == 1
    async with asyncio.timeout(30):
        while await cache.get("a") == 1:
            await asyncio.sleep(0)
    assert source.asked == ["a", "a"]


async def test_all_waiting_callers_share_an_error_and_later_ones_retry():
    source = Source()
    source.error = OSError("away")
    cache = TtlCache(source, 0.01)
    asking = [asyncio.create_task(cache.get("a")) for _ in range(2)]
    source.go.set()
    for task in asking:
        with pytest.raises(OSError, match="away"):
            await task
    source.error = None
    answer = None
    async with asyncio.timeout(30):
        while answer is None:
            with contextlib.suppress(OSError):
                answer = await cache.get("a")
            await asyncio.sleep(0)
    assert answer == 2


async def test_a_cancelled_caller_does_not_cancel_the_others():
    source = Source()
    cache = TtlCache(source, 60)
    impatient, patient = asyncio.create_task(cache.get("a")), asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    source.go.set()
    assert await patient == 1
