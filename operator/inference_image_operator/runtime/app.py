"""The process: the connection, the health probes, the queue, kopf's watches and the resync."""

import asyncio
import logging
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import kopf

from inference_image_operator.api import parse_duration
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.config.installation import Concurrency, Config
from inference_image_operator.core.decide import is_foreign, is_settled
from inference_image_operator.core.waiting import is_queued
from inference_image_operator.diagnosis.pending import Check
from inference_image_operator.kube.client import ENDING_PODS, OUR_JOBS, WARNING_EVENTS, KubernetesCluster
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.kube.observe import InvalidObjectError, from_object
from inference_image_operator.observed import Observed
from inference_image_operator.runtime import handlers, job_signals
from inference_image_operator.runtime.health import Health
from inference_image_operator.runtime.job_signals import JobSignals
from inference_image_operator.runtime.last_written import LastWritten
from inference_image_operator.runtime.log import object_fields
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.pipeline_limiter import Key, PipelineLimiter
from inference_image_operator.runtime.queue import Queue
from inference_image_operator.runtime.reconcile import Reconciler
from inference_image_operator.runtime.tag_holders import Publication, TagHolders
from inference_image_operator.runtime.turns import Turns

if TYPE_CHECKING:
    from inference_image_operator.runtime.traces import Traces

log = logging.getLogger(__name__)

IDENTITY = "inference-image-operator"  # kopf otherwise looks up the user name, which a container's user does not have
CRD_CHECK = 5.0
RESTART_PAUSE = 1.0
HEARTBEAT = 5.0
CANCEL_AGAIN = 1.0
RESYNC = "resync: %d objects, %d not settled"
"""The log line about a resync: the objects that it has seen, and those that it has queued."""


async def run(config: Config) -> None:
    """Runs the operator until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics, health, traces = Metrics(), Health(), _traces(config)
    cluster = await KubernetesCluster.connect(config.watch_selector, metrics.requested)
    probes = await health.serve(config.probes.port, metrics.text)
    limiter = PipelineLimiter(config.concurrency)

    def wake(key: Key, after: float = 0) -> None:
        queue.add(key, after)  # the queue exists when somebody calls this

    tags, written = TagHolders(wake), LastWritten()
    signals = JobSignals(wake, config.serves, written.saw_job)
    watches = (
        (OUR_JOBS, signals.changed),
        (WARNING_EVENTS, job_signals.kept(signals.warned)),
        (ENDING_PODS, job_signals.kept(signals.ended)),
    )
    reconciler = Reconciler(
        cluster,
        config,
        _now,
        limiter,
        wake=wake,
        signals=signals,
        tags=tags,
        written=written,
        metrics=metrics,
        traces=traces,
    )
    queue: Queue[Key] = Queue(reconciler, config.workers, object_fields, metrics, _turns(config))
    tasks = [
        asyncio.create_task(_work(cluster, queue, config, limiter), name="queue"),
        asyncio.create_task(_heartbeat(health), name="heartbeat"),
        asyncio.create_task(_resync(cluster, queue, written, config, metrics), name="resync"),
        *(
            asyncio.create_task(job_signals.watch(cluster, what, namespace, arrived), name=what.name)
            for namespace in config.watch_namespaces or ("",)
            for what, arrived in watches
        ),
    ]
    sinks = _thread_safe(queue, tags, written)
    watching = asyncio.create_task(_watch(cluster, sinks, config, health, stop), name="watch")
    try:
        await asyncio.wait([watching, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(watching, *tasks, return_exceptions=True)
        await probes.cleanup()
        await cluster.close()
        if traces:
            await asyncio.to_thread(traces.close)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _turns(config: Config) -> Turns[Key]:
    """The namespaces take turns. A quarter of the workers is left to the others, if there can be others."""
    others = 0 if len(config.watch_namespaces) == 1 else config.workers // 4
    return Turns(lambda key: key[0], config.workers - others)


def _traces(config: Config) -> "Traces | None":
    """What sends traces; None if the installation sends none. Then OpenTelemetry costs neither memory nor time."""
    if not config.traces.endpoint:
        return None
    from inference_image_operator.runtime.traces import Traces

    return Traces(config.traces.url)


def _now() -> datetime:
    return datetime.now(UTC)


def _thread_safe(queue: Queue[Key], tags: TagHolders, written: LastWritten) -> handlers.Sinks:
    """Sinks that kopf's thread may call: the calls run in this event loop."""
    loop = asyncio.get_running_loop()

    def due(key: Key, after: float) -> None:
        if not after or not written.keeps(key):  # the event of a version that is kept says nothing new
            queue.add(key, after)

    def add(key: Key, after: float) -> None:
        loop.call_soon_threadsafe(due, key, after)

    def saw(key: Key, found: Publication | None) -> None:
        loop.call_soon_threadsafe(tags.saw, key, found)

    def brought(key: Key, version: str) -> None:
        loop.call_soon_threadsafe(written.saw, key, version)

    return handlers.Sinks(add, saw, brought)


async def _watch(
    cluster: KubernetesCluster, sinks: handlers.Sinks, config: Config, health: Health, stop: asyncio.Event
) -> None:
    """Runs kopf once the API server serves the CRD, and restarts it after every watch error."""
    while not stop.is_set():
        if not await cluster.serves_api():
            log.warning("the API server does not serve the CustomResourceDefinition; waiting for it")
            await _pause(stop, CRD_CHECK)
            continue
        started, ended = threading.Event(), threading.Event()
        health.watching = started.is_set
        watching = asyncio.create_task(asyncio.to_thread(_run_kopf, config, sinks, started, ended))
        await asyncio.wait([watching, stopping := asyncio.create_task(stop.wait())], return_when="FIRST_COMPLETED")
        ended.set()
        stopping.cancel()
        try:
            await watching
        except Exception:
            log.exception("the watch failed; restarting it")
        started.clear()
        await _pause(stop, RESTART_PAUSE)


def _run_kopf(config: Config, sinks: handlers.Sinks, started: threading.Event, stop: threading.Event) -> None:
    """Runs kopf in its own thread and event loop.

    In our event loop, it would replace the signal handlers and, at its end, cancel our tasks.
    """
    asyncio.run(_kopf(config, sinks, started, stop))


async def _kopf(config: Config, sinks: handlers.Sinks, started: threading.Event, stop: threading.Event) -> None:
    """Runs until one of kopf's tasks ends. Raises that task's error."""
    tasks = await kopf.spawn_tasks(
        registry=handlers.registry(sinks, config),
        settings=handlers.settings(config),
        standalone=True,
        clusterwide=not config.watch_namespaces,
        namespaces=config.watch_namespaces,
        identity=IDENTITY,  # type: ignore[arg-type]  # a NewType that kopf does not export
        ready_flag=started,
        stop_flag=stop,
    )
    ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()  # kopf waits for it in a thread, and the event loop closes only after its threads end
    await end_others()
    for task in ended:
        task.result()


async def end_others() -> None:
    """Cancels all other tasks of this event loop, repeatedly, until they have ended.

    `kopf.run_tasks` cancels only once and then waits. If a cancellation is lost in a running request, it waits for
    ever: the process lives, but watches nothing.
    """
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=CANCEL_AGAIN)


async def _work(cluster: KubernetesCluster, queue: Queue[Key], config: Config, limiter: PipelineLimiter) -> None:
    """Runs the queue's workers. If the number of pipelines is limited, counts the running ones first."""
    while config.concurrency != Concurrency():
        try:
            async for found, _ in _images(cluster, config):
                if found.status.stage and not is_queued(found.status):
                    limiter.mark_running((found.namespace, found.name))
            break
        except ApiError as error:
            log.warning("cannot count the running pipelines, retrying: %s", error)
            await asyncio.sleep(CRD_CHECK)
    await queue.run()


async def _images(cluster: KubernetesCluster, config: Config) -> AsyncIterator[tuple[Observed, str]]:
    """Every InferenceImage that this operator serves, with its resourceVersion."""
    for namespace in config.watch_namespaces or ("",):
        async for image in cluster.list_inference_images(namespace):
            try:
                found = from_object(image)
            except InvalidObjectError as error:
                log.warning("skipping %s/%s: %s", image["metadata"]["namespace"], image["metadata"]["name"], error)
                continue
            if config.serves(found.namespace) and not is_foreign(found, config):
                yield found, image["metadata"]["resourceVersion"]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _resync(
    cluster: KubernetesCluster, queue: Queue[Key], written: LastWritten, config: Config, metrics: Metrics
) -> None:
    """Queues every object that is not settled, at an interval, in case its event was lost. Counts the objects."""
    period = parse_duration(config.resync)
    while True:
        await asyncio.sleep(period)
        queued, seen = 0, Counter[str]()
        try:
            async for found, version in _images(cluster, config):
                ready = find(found.status.conditions, Type.READY)
                seen[ready.status if ready else "Unknown"] += 1
                if not is_settled(found):
                    queued += 1
                    written.saw(key := (found.namespace, found.name), version)
                    queue.add(key, Check(0))
        except ApiError as error:
            log.warning("the resync is incomplete: %s", error)
        else:
            metrics.seen(seen)
        log.info(RESYNC, seen.total(), queued)


async def _heartbeat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(HEARTBEAT)
