"""Whether the run of an object has ended."""

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
