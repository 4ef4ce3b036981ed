"""`watch`: shows an object until its run ends."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.watch import follow, moving, progress
from kubectl_inferenceimage.cluster.watch.progress import HELD, TIMED_OUT, End, Moving
from kubectl_inferenceimage.cluster.watch.screen import Screen, screen
from kubectl_inferenceimage.errors import CommandError

_TICK = 1.0
"""Seconds between two drawings of the same state."""


Wait = Callable[[threading.Event, float], bool]
"""Waits for an event, at most so many seconds. Returns whether it is set."""


class _Told(NamedTuple):
    text: str


class _Ended(NamedTuple):
    error: Exception | None


class _Moved(NamedTuple):
    moving: Moving | None


_Change = Object | _Told | _Moved
"""What the threads tell the one that draws."""
_Queue = queue.Queue[_Change | _Ended]


def watch(
    cluster: Cluster,
    name: str,
    timeout: float,
    *,
    shown: Screen | None = None,
    wait: Wait = threading.Event.wait,
) -> int:
    """Shows the object until its run ends, at most `timeout` seconds. Returns the exit code. Raises CommandError."""
    with shown or screen() as place:
        end = _shown(cluster, name, timeout, place, wait)
    print(f"{name}: {end.text}" if end.code in {HELD, TIMED_OUT} else end.text)
    return end.code


def _shown(cluster: Cluster, name: str, timeout: float, place: Screen, wait: Wait) -> End:
    deadline = time.monotonic() + timeout
    image: Object | None = None
    before: dict[Stage, float] = {}
    moved: Moving | None = None
    for found in _events(cluster, name, deadline, place, wait):
        if isinstance(found, _Told):
            place.tell(found.text)
            continue
        if isinstance(found, _Moved):
            moved = found.moving
        elif isinstance(found, dict):
            before = (_of_jobs(cluster, found, place) if image is None else before) | progress.timings(image or found)
            image = found
        elif isinstance(found, End):
            return found
        if image is not None:
            now = datetime.now(UTC)
            view = progress.view(image, before, now, moved)
            place.show(view, now)
            if view.end:
                return view.end
    raise CommandError(f"The watch of {name} ended without a result.")


def _events(cluster: Cluster, name: str, deadline: float, place: Screen, wait: Wait) -> Iterator[_Change | End | None]:
    """The states of the object, and None when time has passed. Ends with an End if the watch does."""
    found: _Queue = queue.Queue()
    stop, newest = threading.Event(), _Newest()
    reader = partial(_read, cluster, name, found, newest, partial(wait, stop))
    threading.Thread(target=reader, daemon=True).start()
    if place.ticks:
        bars = partial(
            moving.follow,
            cluster,
            lambda: newest.image,
            show=lambda how_far: found.put(_Moved(how_far)),
            wait=partial(wait, stop),
            tell=lambda text: found.put(_Told(text)),
        )
        threading.Thread(target=bars, daemon=True).start()
    try:
        yield from _until(found, deadline, _TICK if place.ticks else None)
    finally:
        stop.set()


class _Newest:
    """The newest state of the object, for the thread that reads logs."""

    image: Object | None = None


def _read(cluster: Cluster, name: str, into: _Queue, newest: _Newest, wait: Callable[[float], bool]) -> None:
    """Puts the states of the object into the queue; at last how that ended."""
    try:
        for state in follow.states(cluster, name, wait=wait, tell=lambda text: into.put(_Told(text))):
            if state is not None:
                newest.image = state
                into.put(state)
    except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
        into.put(_Ended(error))
    else:
        into.put(_Ended(None))


def _until(found: _Queue, deadline: float, tick: float | None) -> Iterator[_Change | End | None]:
    """What the queue gets; None after each `tick` seconds without anything."""
    while (left := deadline - time.monotonic()) > 0:
        try:
            state = found.get(timeout=min(left, tick or left))
        except queue.Empty:
            yield None
            continue
        if isinstance(state, _Ended):
            if state.error:
                raise state.error
            yield End(HELD, "the object was deleted.")
            return
        yield state
    yield End(TIMED_OUT, "the run has not ended within --timeout.")


def _of_jobs(cluster: Cluster, image: Object, place: Screen) -> dict[Stage, float]:
    """How long the stages took before, as far as the Jobs of earlier runs are still there."""
    try:
        return progress.of_jobs(cluster.jobs(image["metadata"]["uid"]))
    except CommandError as error:
        place.tell(f"{error} Without it, there is no estimate of the time left.")
        return {}
