"""What a Job or its pod waits for: reason, message and hint."""

from inference_image_contract.reasons import Reason
from inference_image_operator.observed import Frozen


class Cause(Frozen, frozen=True, kw_only=True):
    """Why the pod waits, and how to end that."""

    reason: Reason
    message: str
    hint: str
    stalls: bool = False
    """It does not resolve by itself: somebody has to change something."""
