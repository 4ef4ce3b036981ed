"""The end of kopf's tasks: none outlives it, however it takes its cancellation."""

import asyncio
import contextlib

from inference_image_operator import app


async def test_a_task_that_loses_its_first_cancellations_ends_all_the_same(monkeypatch):
    monkeypatch.setattr(app, "CANCEL_AGAIN", 0.01)
    lost = []

    async def deaf():
        while len(lost) < 3:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            lost.append(1)
        await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await app.end_others()
    assert task.cancelled()
    assert len(lost) == 3


async def test_tasks_that_come_of_the_end_end_too():
    born = []

    async def late():
        await asyncio.sleep(60)

    async def parent():
        try:
            await asyncio.sleep(60)
        finally:
            born.append(asyncio.create_task(late()))

    task = asyncio.create_task(parent())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await app.end_others()
    assert task.cancelled()
    assert born[0].cancelled()
