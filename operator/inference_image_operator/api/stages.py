"""The types of the conditions, and the stages in order with their conditions and reasons."""

from enum import StrEnum

from inference_image_contract.reasons import Reason


class Type(StrEnum):
    """Condition types that this operator owns."""

    READY = "Ready"
    RESOLVED = "Resolved"
    EXPORTED = "Exported"
    BUILT = "Built"
    TESTED = "Tested"
    PUBLISHED = "Published"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUSPENDED = "Suspended"
    PINNED = "Pinned"
    POLL_FAILED = "PollFailed"
    TAG_LOST = "TagLost"
    ROLLED_OUT = "RolledOut"


class Stage(StrEnum):
    """A stage. Its value is its name in the status, in labels and in Job names."""

    RESOLVE = "Resolve"
    EXPORT = "Export"
    BUILD = "Build"
    TEST = "Test"
    PUBLISH = "Publish"

    @property
    def condition(self) -> Type:
        """The condition that reports the result of this stage."""
        return _CONDITIONS[self]

    @property
    def working(self) -> Reason:
        """The reason of Ready and Reconciling while this stage works."""
        return _WORKING[self]


_CONDITIONS = {
    Stage.RESOLVE: Type.RESOLVED,
    Stage.EXPORT: Type.EXPORTED,
    Stage.BUILD: Type.BUILT,
    Stage.TEST: Type.TESTED,
    Stage.PUBLISH: Type.PUBLISHED,
}
_WORKING = {
    Stage.RESOLVE: Reason.RESOLVING,
    Stage.EXPORT: Reason.EXPORTING,
    Stage.BUILD: Reason.BUILDING,
    Stage.TEST: Reason.TESTING,
    Stage.PUBLISH: Reason.PUBLISHING,
}
