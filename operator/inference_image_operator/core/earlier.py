"""Claims that an earlier version of the operator wrote, and for which this version would create another Job."""

from inference_image_operator.api.stages import Stage
from inference_image_operator.core import progress
from inference_image_operator.core.draft import Draft

PIN_AGAIN = (
    "An earlier version of the operator began this run, and pinned less than this one needs. Pinning the inputs."
)


def replace_claim(draft: Draft, stage: Stage) -> bool:
    """Claims another Job if this version does not create the claimed one. Returns whether it did."""
    if stage is Stage.TEST and not draft.observed.spec.test.enabled:  # publishing was a part of this stage
        progress.publish_untested(draft)
        return True
    if _reads_inputs(draft, stage) and not _has_inputs(draft):
        draft.pin_again(PIN_AGAIN)
        return True
    return False


def _reads_inputs(draft: Draft, stage: Stage) -> bool:
    return stage in (Stage.EXPORT, Stage.BUILD) or (stage is Stage.TEST and draft.observed.spec.test.match_graph)


def _has_inputs(draft: Draft) -> bool:
    """Whether the status has what Resolve pins: fields with other names are lost, and the content hash covers less."""
    return draft.status.input_lock is not None and bool(draft.run.inputs_hash)
