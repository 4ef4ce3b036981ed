"""What a decision consists of."""

from typing import Any, Literal

from inference_image_operator.api import Status
from inference_image_operator.observed import Frozen


class CreateJob(Frozen, frozen=True, kw_only=True):
    """Create this Job; it was claimed in the status before."""

    manifest: dict[str, Any]


class DeleteJob(Frozen, frozen=True, kw_only=True):
    """Delete this Job and its pods, if it still has this uid."""

    name: str
    uid: str


class Emit(Frozen, frozen=True, kw_only=True):
    """Say something in an Event of the object."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action = CreateJob | DeleteJob | Emit


class Decision(Frozen, frozen=True, kw_only=True):
    """What is to be done: first the status is written (that is the claim), then the actions follow in order."""

    status: Status
    actions: tuple[Action, ...] = ()
    requeue_after: float | None = None
    """Seconds after which to look again even if nothing happens."""
