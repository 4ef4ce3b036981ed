"""`spec.image.pin`: publishes an image of the object's history and makes no other. See docs/decisions/0027."""

from inference_image_contract.reasons import Reason
from inference_image_operator.api import BuiltStatus, Spec, Status, described, pinned
from inference_image_operator.api.conditions import Type
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.policy import Refusal

_NOT_NEEDED = "Not needed: spec.image.pin holds an image."
PIN_ANOTHER = "Set spec.image.pin to a digest of status.history, or remove it."


def refusal(spec: Spec, status: Status) -> Refusal | None:
    """Why the image cannot be pinned; None if it can, or if none is pinned."""
    if not spec.image.pin or pinned(spec.image.pin, status.history):
        return None
    return Refusal(
        reason=Reason.PIN_UNKNOWN,
        message=f"spec.image.pin is {spec.image.pin}, which status.history does not list.",
        hint=PIN_ANOTHER,
    )


def start(draft: Draft) -> None:
    """Claims the first stage of a run: Resolve, or Publish of the pinned image. `refusal` has found it."""
    entry = pinned(draft.observed.spec.image.pin, draft.status.history)
    if entry is None:
        draft.start(Stage.RESOLVE)
        return
    for stage in (Stage.RESOLVE, Stage.EXPORT, Stage.BUILD, Stage.TEST):
        draft.conditions.set(stage.condition, "Unknown", Reason.PINNED, _NOT_NEEDED)
    what = f"{entry.digest}, {described(entry.step, entry.checkpoint)}, published at {rfc3339(entry.time)}"
    draft.conditions.set(
        Type.PINNED,
        "True",
        Reason.PINNED,
        f"spec.image.pin holds {what}. Nothing is polled or built until it is removed.",
    )
    draft.update(built=BuiltStatus(digest=entry.digest))
    draft.start(Stage.PUBLISH, entry.digest, draft.observed.spec.image.tags)
