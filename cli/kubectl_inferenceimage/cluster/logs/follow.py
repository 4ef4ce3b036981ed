"""Follows the containers of a pod, each from its start, until the pod ends. Broken streams go on where they broke."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import container_statuses
from kubectl_inferenceimage.cluster.requests import ForbiddenError, MissingError, UnreachableError

_MAX_FAILURES = 8
"""Attempts in a row without an answer, after which it ends."""
_MOST_WAITING = 1000
"""Lines that wait to be printed, after which reading waits."""
_ENDED = {"Succeeded", "Failed"}
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+)(Z|[+-]\d\d:\d\d) ?")


class Line(NamedTuple):
    """A line of a container."""

    container: str
    text: str


class _Ended(NamedTuple):
    """A connection has ended."""

    container: str
    stood: bool
    """Whether it stood before."""
    error: Exception | None


_Queue = queue.Queue[Line | _Ended]


class _Stream:
    """The log of one container, over several connections."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reads = False
        """Whether a connection stands."""
        self.done = False
        """Whether nothing follows."""
        self.since = ""
        """The time of the newest line, with its zone; empty before the first."""
        self._is_last = False
        self._newest = self._seen = ""
        self._failures = 0

    def begin(self, *, is_last: bool) -> None:
        """A connection begins. `is_last` is that the container has ended, so that it gives all that is left."""
        self.reads, self._is_last, self._seen = True, is_last, self._newest

    def text(self, line: str) -> str | None:
        """The line without its time; None if a connection before has given it."""
        found = _STAMP.match(line)
        if found is None:
            return line
        if found[1] <= self._seen:  # the zone is that of the node: the same for all lines
            return None
        self._newest, self.since = found[1], found[1] + found[2]
        return line[found.end() :]

    def end(self, ended: _Ended) -> str | None:
        """A connection has ended. Returns what to say about it."""
        self.reads, error = False, ended.error
        if error is None:
            self.done = self._is_last
            return None
        self._failures = 0 if ended.stood else self._failures + 1
        self.done = isinstance(error, ForbiddenError | MissingError) or self._failures >= _MAX_FAILURES
        is_deleted = isinstance(error, MissingError) and bool(self.since)
        return str(error) if self.done and not is_deleted else None


def followed(
    cluster: Cluster, again: Callable[[], Object | None], names: Sequence[str], tail: int, poll: float
) -> Iterator[Line]:
    """The lines of these containers of a pod as they come, until it has ended.

    `again` reads the pod, None when it is gone; it is called every `poll` seconds. Raises CommandError when it fails.
    """
    streams = {name: _Stream(name) for name in names}
    found: _Queue = queue.Queue(_MOST_WAITING)
    failures = 0
    while not all(stream.done for stream in streams.values()):
        try:
            pod, failures = again(), 0
        except UnreachableError:
            failures += 1
            if failures == _MAX_FAILURES:
                raise
        else:
            for stream in streams.values():
                if not (stream.done or stream.reads):
                    _go_on(cluster, pod, stream, found, tail)
        yield from _waited(found, streams, time.monotonic() + poll)


def _go_on(cluster: Cluster, pod: Object | None, stream: _Stream, into: _Queue, tail: int) -> None:
    """Connects if the container has started; gives it up if it never will."""
    state = _state(pod, stream.name) if pod else ""
    if pod and state:
        stream.begin(is_last=state == "terminated")
        place = _Place(pod["metadata"]["name"], stream.name, -1 if stream.since else tail, stream.since)
        threading.Thread(target=_read, args=(cluster, place, into), daemon=True).start()
    else:
        stream.done = pod is None or pod.get("status", {}).get("phase") in _ENDED


def _state(pod: Object, name: str) -> str:
    """`running`, `terminated`, or empty before the container has started."""
    states = {found["name"]: found.get("state") or {} for found in container_statuses(pod)}
    return next((kind for kind in ("terminated", "running") if kind in states.get(name, {})), "")


class _Place(NamedTuple):
    """What a connection reads."""

    pod: str
    container: str
    tail: int
    since: str


def _read(cluster: Cluster, place: _Place, into: _Queue) -> None:
    """Puts the lines of one connection into the queue; at last how that ended."""
    stood, error = False, None
    try:
        with cluster.stream(*place) as lines:
            stood = True
            for line in lines:
                into.put(Line(place.container, line))
    except Exception as found:  # noqa: BLE001 - the thread that prints decides
        error = found
    into.put(_Ended(place.container, stood, error))


def _waited(found: _Queue, streams: dict[str, _Stream], deadline: float) -> Iterator[Line]:
    """What the queue gets until a time, or until nothing follows."""
    while (left := deadline - time.monotonic()) > 0 and not all(stream.done for stream in streams.values()):
        try:
            item = found.get(timeout=left)
        except queue.Empty:
            return
        stream = streams[item.container]
        text = stream.end(item) if isinstance(item, _Ended) else stream.text(item.text)
        if text is not None:
            yield Line(item.container, text)
