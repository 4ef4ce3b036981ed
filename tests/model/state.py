"""The state of the model: the object in the API server, the Jobs, and the reconciles under way."""

from typing import NamedTuple

READ, DECIDED, ACTING = "read", "decided", "acting"


class JobState(NamedTuple):
    """A Job. `phase` is new, running, stuck, queued, crashing, kept, or one of these with a variant: ended, its pod has
    succeeded and the watch told so; missed, the same, but the operator did not see it; complete; failed.
    """

    name: str
    uid: str
    phase: str = "new"
    terminating: bool = False

    @property
    def finished(self) -> bool:
        return self.phase.startswith(("complete", "failed"))

    @property
    def over(self) -> bool:
        return self.finished or self.phase.startswith(("ended", "missed"))


class Action(NamedTuple):
    """A write of a Job. Events influence no decision, so the model leaves them out."""

    verb: str
    name: str
    uid: str = ""


class View(NamedTuple):
    """What a reconcile has observed, without the time."""

    status: int
    version: int
    deleting: bool
    jobs: tuple[JobState, ...] = ()


class Pass(NamedTuple):
    """A reconcile of one operator: it reads the object, then the Jobs, decides, writes the status, then acts."""

    phase: str
    status: int
    """The status that was read and, from DECIDED on, the status to write."""
    version: int
    deleting: bool
    stale: bool = False
    """Another client has written the object since; the API server will answer 409."""
    actions: tuple[Action, ...] = ()
    jobs: tuple[JobState, ...] = ()
    """The Jobs as they were read, kept as long as a rejected create may need another decision."""


class State(NamedTuple):
    """Equal states have equal futures: times are relative, UIDs are renumbered, and unreadable parts are dropped."""

    version: int = 0
    status: int = 0
    late: int = 0
    """0: just claimed. 1: back-offs are over and pods are checked. 2: a pod is pending for too long."""
    jobs: tuple[JobState, ...] = ()
    passes: tuple[Pass | None, ...] = (None,)
    deleting: bool = False
    gone: bool = False

    @property
    def live(self) -> tuple[JobState, ...]:
        """The Jobs that have or may get a running pod."""
        return tuple(job for job in self.jobs if not job.over)
