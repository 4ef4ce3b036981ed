"""The decision: the status to write and the actions that follow."""

from typing import Any, Literal

from inference_image_contract.reasons import Reason
from inference_image_operator.api import Status
from inference_image_operator.api.rollout import Kind
from inference_image_operator.observed import Frozen

AT_ONCE: float = 0
"""`requeue_after` of a decision that needs another observation: the pods of a finished Job, or a place in the queue."""


class CreateJob(Frozen, frozen=True, kw_only=True):
    """Create this Job. The status claims it already."""

    manifest: dict[str, Any]


class DeleteJob(Frozen, frozen=True, kw_only=True):
    """Delete this Job and its pods if it still has this UID."""

    name: str
    uid: str


class ApplyImage(Frozen, frozen=True, kw_only=True):
    """Apply the image of the rollout's target if it still has this UID and resourceVersion."""

    kind: Kind
    name: str
    field: str
    """As in `RolloutSpec.field`."""
    image: str
    uid: str
    resource_version: str


class Emit(Frozen, frozen=True, kw_only=True):
    """Create an Event of the object."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    message: str


Action = CreateJob | DeleteJob | ApplyImage | Emit


class Decision(Frozen, frozen=True, kw_only=True):
    """Write the status first (this is the claim), then carry out the actions in order."""

    status: Status
    actions: tuple[Action, ...] = ()
    requeue_after: float | None = None
    """Seconds until the next reconcile even if no event arrives; None to wait for one."""
