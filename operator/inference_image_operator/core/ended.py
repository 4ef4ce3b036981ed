"""Whether the run of an object, or an attempt of a stage, has ended."""

from inference_image_operator.api import StageStatus, Status
from inference_image_operator.api.names import input_hash
from inference_image_operator.observed import Observed


def has_ended(observed: Observed) -> bool:
    """Whether the run for the current spec and request has ended, successfully or not."""
    status = observed.status
    return (
        status.run is not None
        and status.stage is None
        and status.observed_generation == observed.generation
        and status.run.input_hash == input_hash(observed.spec, observed.request)
    )


def is_over(stage: StageStatus, after: Status) -> bool:
    """Whether the attempt of a stage that a status claimed is over in the next status."""
    return after.stage is None or after.stage.job != stage.job
