"""The shutdown of kopf: every task ends, even if it loses a cancellation. And what a watch or a resync makes due."""

import asyncio
import contextlib
import threading

import kopf
import pytest

from inference_image_operator.api import write
from inference_image_operator.diagnosis.pending import Check
from inference_image_operator.runtime import app
from inference_image_operator.runtime.last_written import LastWritten
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.tag_holders import TagHolders
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


KEY = ("space", "detector")


class Due:
    """A queue that only remembers what is added."""

    def __init__(self) -> None:
        self.added: list[tuple[tuple[str, str], float]] = []

    def add(self, key: tuple[str, str], after: float = 0) -> None:
        self.added.append((key, after))


@pytest.fixture
def written() -> LastWritten:
    """The operator has written version 7 of the object."""
    found = LastWritten()
    found.take(KEY)
    found.keep(KEY, {"metadata": {"resourceVersion": "7"}}, ())
    return found


@pytest.mark.parametrize(("version", "after", "is_due"), [("7", 1.0, False), ("7", 0, True), ("8", 1.0, True)], ids=str)
async def test_an_event_of_the_version_that_is_kept_makes_nothing_due(written, version, after, is_due):
    """kopf lists all objects again every few minutes. Only what asks for an answer at once is due all the same."""
    queue = Due()
    sinks = app._thread_safe(queue, TagHolders(lambda _: None), written)
    sinks.brought(KEY, version)
    sinks.add(KEY, after)
    await asyncio.sleep(0)
    assert queue.added == ([(KEY, after)] if is_due else [])


@pytest.mark.parametrize(("version", "kept"), [("7", True), ("8", False)])
async def test_a_resync_drops_what_is_kept_only_for_another_version(monkeypatch, written, version, kept):
    world, queue, listed = World(), Due(), asyncio.Event()
    world.step()
    meta = {"namespace": KEY[0], "name": KEY[1], "uid": "u", "generation": 1, "resourceVersion": version}

    class Cluster:
        async def list_inference_images(self, _: str):
            if listed.is_set():
                await asyncio.Event().wait()
            yield {"metadata": meta, "spec": world.spec, "status": write(world.status)}
            listed.set()

    monkeypatch.setattr(app, "parse_duration", lambda _: 0)
    resync = asyncio.create_task(app._resync(Cluster(), queue, written, world.config, Metrics()))
    await listed.wait()
    resync.cancel()
    assert [(key, type(after)) for key, after in queue.added] == [(KEY, Check)]
    assert written.keeps(KEY) is kept
