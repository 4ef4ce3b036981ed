"""The shutdown of kopf: every task ends, even if it loses a cancellation, and no thread waits for ever."""

import asyncio
import contextlib
import threading

import kopf

from inference_image_operator.runtime import app
from tests.support.world import World


async def test_a_task_that_loses_its_first_cancellations_still_ends(monkeypatch):
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


async def test_tasks_that_start_during_the_shutdown_end_too():
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


def test_a_failed_watch_ends_kopfs_thread(monkeypatch):
    async def fails():
        raise RuntimeError("404 page not found")

    async def spawn(*, stop_flag, **_):
        loop = asyncio.get_running_loop()
        return [asyncio.create_task(fails()), loop.run_in_executor(None, stop_flag.wait)]

    monkeypatch.setattr(kopf, "spawn_tasks", spawn)
    stop = threading.Event()

    def run():
        with contextlib.suppress(RuntimeError):
            app._run_kopf(World().config, lambda *_: None, threading.Event(), stop)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    hangs = thread.is_alive()
    stop.set()
    thread.join()
    assert not hangs
