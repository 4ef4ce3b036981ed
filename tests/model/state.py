"""The state of the model: what the API server holds, what the Jobs have come to, and the passes under way."""

from typing import NamedTuple

READ, DECIDED, ACTING = "read", "decided", "acting"


class JobState(NamedTuple):
    """A Job. `phase` is new, running, stuck, queued, crashing, complete:VARIANT or failed:VARIANT."""

    name: str
    uid: str
    phase: str = "new"
    terminating: bool = False

    @property
    def finished(self) -> bool:
        return self.phase.startswith(("complete", "failed"))


class Action(NamedTuple):
    """A write of Jobs. Events change nothing that decides, so the model leaves them out."""

    verb: str
    name: str
    uid: str = ""


class View(NamedTuple):
    """What a pass has seen, the time aside."""

    status: int
    version: int
    deleting: bool
    jobs: tuple[JobState, ...] = ()


class Pass(NamedTuple):
    """A pass of one operator: the object is read, then its Jobs; it is decided, the status written, then acted."""

    phase: str
    status: int
    """The status as it was read, and from DECIDED on as it is to be written."""
    version: int
    deleting: bool
    stale: bool = False
    """The object was written by somebody since; the API server will answer 409."""
    actions: tuple[Action, ...] = ()
    jobs: tuple[JobState, ...] = ()
    """As they were seen, kept while a refusal may have to be decided on."""


class State(NamedTuple):
    """Equal states have equal futures: times are relative, uids are numbered anew, what nobody can read is dropped."""

    version: int = 0
    status: int = 0
    late: int = 0
    """0: just claimed; 1: back-offs are over and pods are looked at; 2: a pod is pending for too long."""
    jobs: tuple[JobState, ...] = ()
    passes: tuple[Pass | None, ...] = (None,)
    deleting: bool = False
    gone: bool = False

    @property
    def live(self) -> tuple[JobState, ...]:
        return tuple(job for job in self.jobs if not job.finished)
