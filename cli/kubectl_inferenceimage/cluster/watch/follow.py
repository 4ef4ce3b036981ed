"""The states of one object: a list, then a watch from there, again after every disconnection."""

from collections.abc import Callable, Iterator

from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.requests import ExpiredError, ForbiddenError, MissingError, UnreachableError

MAX_FAILURES = 8
"""Attempts in a row without an answer, after which it ends."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
POLL = 5.0
"""Seconds between two reads without the right to watch."""


def states(
    cluster: Cluster, name: str, *, wait: Callable[[float], bool], tell: Callable[[str], None]
) -> Iterator[Object | None]:
    """The object as it is, then each change; None when it is deleted, at the end.

    `wait` takes seconds, and says whether to stop; `tell` takes a sentence about what is missing. Raises CommandError.
    """
    known = _Known()
    while not known.stopped:
        try:
            if not known.version:
                yield known.seen(cluster.image(name))
                known.exists = True
            yield from _changes(cluster, name, known)
            known.stopped = known.stopped or wait(_FIRST_PAUSE)
        except ForbiddenError as error:
            if not known.version:
                raise
            tell(f"{error} Reading every {POLL:.0f} s instead.")
            yield from _polled(cluster, name, known, wait)
        except MissingError:
            if not known.exists:
                raise
            known.stopped = True
            yield None
        except UnreachableError as error:
            if not known.may_fail():
                raise
            if isinstance(error, ExpiredError):
                known.version = ""
            known.stopped = wait(known.pause)


class _Known:
    """What is known of the object, and of the connection."""

    def __init__(self) -> None:
        self.version = ""
        """The resourceVersion to go on from; empty to begin with a list."""
        self.exists = False
        """Whether it has been seen."""
        self.stopped = False
        """Whether nothing follows."""
        self.failures = 0

    def seen(self, found: Object) -> Object:
        self.version, self.failures = found["metadata"]["resourceVersion"], 0
        return found

    def may_fail(self) -> bool:
        """Counts a failure. Returns whether to try again."""
        self.failures += 1
        return self.failures < MAX_FAILURES

    @property
    def pause(self) -> float:
        """Seconds before the next attempt."""
        return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self.failures - 1)))


def _changes(cluster: Cluster, name: str, known: _Known) -> Iterator[Object | None]:
    """The changes that one watch reports."""
    with cluster.changes(name, known.version) as events:
        known.failures = 0
        for event in events:
            if event["type"] == "ERROR":
                raise ExpiredError(f"The watch of {name} ended: {event['object'].get('message', '')}")
            found = known.seen(event["object"])
            if event["type"] == "DELETED":
                known.stopped = True
                yield None
                return
            if event["type"] != "BOOKMARK":
                yield found


def _polled(cluster: Cluster, name: str, known: _Known, wait: Callable[[float], bool]) -> Iterator[Object | None]:
    """The same without the right to watch."""
    while not known.stopped:
        try:
            known.stopped = wait(POLL)
            version, found = known.version, cluster.image(name)
            if known.seen(found)["metadata"]["resourceVersion"] != version:
                yield found
        except MissingError:
            known.stopped = True
            yield None
        except UnreachableError:
            if not known.may_fail():
                raise
            known.stopped = wait(known.pause)
