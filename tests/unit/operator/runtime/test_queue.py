"""The work queue: one worker per key, no lost or duplicate work, delays are kept."""

import asyncio
from contextlib import asynccontextmanager

from inference_image_operator.diagnosis.pending import Check
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime import queue as queue_module
from inference_image_operator.runtime.queue import Queue


@asynccontextmanager
async def running(queue):
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(predicate):
    async with asyncio.timeout(20):
        while not predicate():
            await asyncio.sleep(0.005)


async def test_a_key_added_many_times_runs_once():
    seen = []

    async def work(key):
        seen.append(key)

    queue = Queue(work, 2)
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    async with running(queue):
        await eventually(lambda: len(seen) >= 2)
    assert sorted(seen) == ["a", "b"]


async def test_a_key_never_runs_twice_at_once_and_runs_again_if_added_meanwhile():
    started, release, active, most = 0, asyncio.Event(), 0, 0

    async def work(_):
        nonlocal started, active, most
        started, active = started + 1, active + 1
        most = max(most, active)
        await release.wait()
        active -= 1

    queue = Queue(work, 4)
    async with running(queue):
        queue.add("a")
        await eventually(lambda: started == 1)
        queue.add("a")
        queue.add("a")
        release.set()
        await eventually(lambda: started == 2)
    assert most == 1


async def test_a_delay_is_kept_unless_an_earlier_time_is_set():
    times = []
    loop = asyncio.get_running_loop()

    async def work(_):
        times.append(loop.time())

    queue = Queue(work, 1)
    begin = loop.time()
    async with running(queue):
        queue.add("a", 60)
        queue.add("a", 0.2)
        queue.add("a", 30)
        await eventually(lambda: times)
    assert times[0] - begin >= 0.19


async def test_checks_come_later_while_many_objects_wait_for_one(monkeypatch):
    monkeypatch.setattr(queue_module, "CHECKS_PER_SECOND", 100)
    times, waiting = {}, range(30)
    loop = asyncio.get_running_loop()

    async def work(key):
        times[key] = loop.time()

    queue = Queue(work, 1)
    begin = loop.time()
    async with running(queue):
        for key in waiting:
            queue.add(key, Check(60))
        queue.add("check", Check(0.01))
        queue.add("other", 0.01)
        await eventually(lambda: "check" in times)
        assert times["check"] - begin >= 0.29
        assert times["other"] < times["check"]
        for key in waiting:
            queue.add(key)
        await eventually(lambda: len(times) == 32)
        begin = loop.time()
        queue.add("next", Check(0))
        await eventually(lambda: "next" in times)
    assert times["next"] - begin < 0.29, "keys that wait for no check any more count"


async def test_work_may_requeue_its_key():
    calls = []

    async def work(key):
        calls.append(key)
        return 0.01 if len(calls) < 3 else None

    queue = Queue(work, 1)
    async with running(queue):
        queue.add("a")
        await eventually(lambda: len(calls) == 3)


async def test_a_failed_key_is_retried_and_others_continue(caplog):
    calls = {"bad": 0, "good": 0}

    async def work(key):
        calls[key] += 1
        if key == "bad" and calls["bad"] < 3:
            raise RuntimeError("boom")

    queue = Queue(work, 1)
    async with running(queue):
        queue.add("bad")
        queue.add("good")
        await eventually(lambda: calls == {"bad": 3, "good": 1})
    assert "reconcile failed" in caplog.text


async def test_events_due_before_a_failure_wait_for_its_back_off():
    times = []
    loop = asyncio.get_running_loop()

    async def work(_):
        times.append(loop.time())
        if len(times) == 1:
            queue.add("a", 0.1)
            raise ApiError(429, "TooManyRequests", "slow down", retry_after=1.0)

    queue = Queue(work, 1)
    async with running(queue):
        queue.add("a")
        await eventually(lambda: len(times) == 2)
    assert times[1] - times[0] >= 1.0


async def test_no_request_is_sent_before_retry_after():
    times = []
    loop = asyncio.get_running_loop()

    async def work(_):
        times.append(loop.time())
        if len(times) == 1:
            raise ApiError(429, "TooManyRequests", "slow down", retry_after=1.0)

    queue = Queue(work, 1)
    async with running(queue):
        queue.add("a")
        await eventually(lambda: times)
        queue.add("a")
        queue.add("a", 0.01)
        await eventually(lambda: len(times) == 2)
    assert times[1] - times[0] >= 1.0


async def test_minor_events_are_debounced_and_urgent_ones_are_due_at_once():
    calls = []

    async def work(key):
        calls.append(key)

    queue = Queue(work, 1)
    async with running(queue):
        for _ in range(3):
            queue.add("minor", 1)
            queue.add("urgent", 1)
        queue.add("urgent")
        assert [len(keys) for keys in queue._ready._due.values()] == [1]
        await eventually(lambda: len(calls) == 2)
    assert calls == ["urgent", "minor"]
    assert not queue._timers
