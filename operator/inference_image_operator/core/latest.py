"""Rules of `policy: Latest`: it waits for the first checkpoint, and does not go back to an older one unless asked."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from inference_image_contract import results
from inference_image_contract.hints import ANNOTATE, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import parse_duration
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core.draft import Draft
from inference_image_operator.diagnosis.outcomes import Failed


def awaits_first(draft: Draft, failed: Failed) -> bool:
    """Whether this failure only says that the training has not written a checkpoint yet."""
    checkpoint = draft.observed.spec.model.checkpoint
    return (
        failed.reason == Reason.CHECKPOINT_NOT_FOUND
        and checkpoint is not None
        and bool(checkpoint.poll)
        and draft.status.image is None
    )


def await_first(draft: Draft, failed: Failed) -> None:
    """Ends the run. Polls look for the checkpoint, and until the deadline the object is in progress."""
    draft.update(stage=None, run=replace(draft.run, waiting_since=draft.stamp))
    text = explanation(
        failed.message,
        "The training may not have written it yet: the operator polls every "
        f"{draft.observed.spec.poll} until {rfc3339(draft.stamp + _patience(draft))} (spec.model.checkpoint.waitFor).",
    )
    draft.in_progress(Stage.RESOLVE, "False", failed.reason, text)
    draft.emit(failed.reason, text)


def deadline(draft: Draft) -> datetime | None:
    """Until when the object waits for its first checkpoint; None if it does not wait."""
    since = draft.run.waiting_since
    return since + _patience(draft) if since else None


def overdue(draft: Draft) -> str:
    """Why the object no longer waits for its first checkpoint."""
    model = draft.observed.spec.model
    waited = model.checkpoint.wait_for if model.checkpoint else ""
    return explanation(
        f"No checkpoint appeared under {model.prefix} within {waited}.",
        "Check model.prefix and the training. Polling goes on, and a checkpoint starts a run.",
    )


def goes_back(draft: Draft, found: results.Resolved) -> str | None:
    """In what way a result is older than the published image; None if it is not, or may be.

    A step counts within one prefix only: another training starts at its first step.
    """
    model, image = draft.observed.spec.model, draft.status.image
    if model.checkpoint is None or model.checkpoint.policy != "Latest" or found.step is None:
        return None
    if image is None or image.step is None or image.model_prefix != model.prefix or found.step >= image.step:
        return None
    return f"The newest complete checkpoint is step {found.step}, older than step {image.step}, which is published."


GO_BACK = f"Restore the newer checkpoint. To go back, set model.checkpoint.step, or {ANNOTATE}."


def _patience(draft: Draft) -> timedelta:
    checkpoint = draft.observed.spec.model.checkpoint
    return timedelta(seconds=parse_duration(checkpoint.wait_for)) if checkpoint else timedelta()
