"""What follows a reason, and how the exit code of a container says it."""

from enum import IntEnum, StrEnum


class ReasonClass(StrEnum):
    """What follows a reason. The values of failures are stored in the status (`stage.verdict.kind`)."""

    NORMAL = "normal"
    """Nothing failed: progress, an Event, or a warning."""
    WAITING = "waiting"
    """The Job or its pod cannot start yet. It does as soon as somebody removes the cause."""
    PERMANENT = "permanent"
    """Only a change of the spec or the inputs, or a new request, can help."""
    RETRY = "counted"
    """Another attempt may succeed. It counts against the retry limit."""
    RETRY_FREE = "uncounted"
    """The cluster caused the failure (eviction, a Job deleted from outside). The retry does not count."""
    REPIN = "resolve"
    """The inputs changed: pin them again."""
    RESTORING = "restoring"
    """The restore of archived inputs is under way: check again later, until a deadline. This does not count."""


class ExitCode(IntEnum):
    """Exit codes of our containers. The operator classifies any other code as a crash.

    The values avoid 1 and 2 (Python, shells) and 126 and above (signals, exec failures).
    """

    OK = 0
    BAD_INPUT = 10
    NOT_FOUND = 11
    FORBIDDEN = 12
    UNAVAILABLE = 13
    SOURCE_CHANGED = 14
    INTERNAL = 15
    RESTORING = 16

    @property
    def kind(self) -> ReasonClass:
        """The class of a failure with this exit code, whatever its reason. `OK` is no failure: KeyError."""
        return _KINDS[self]


_KINDS = {
    ExitCode.BAD_INPUT: ReasonClass.PERMANENT,
    ExitCode.NOT_FOUND: ReasonClass.PERMANENT,
    ExitCode.FORBIDDEN: ReasonClass.PERMANENT,
    ExitCode.UNAVAILABLE: ReasonClass.RETRY,
    ExitCode.SOURCE_CHANGED: ReasonClass.REPIN,
    ExitCode.INTERNAL: ReasonClass.RETRY,
    ExitCode.RESTORING: ReasonClass.RESTORING,
}
