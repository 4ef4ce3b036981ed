"""Every reason that a Job or the operator reports, with its class, its exit code and, in `explained`, its remedy.

Reasons are API: once released they keep their name and meaning. `make reference` writes docs/reference/reasons.md from
this package.
"""

from inference_image_contract.reasons.classes import ExitCode, ReasonClass
from inference_image_contract.reasons.reason import Reason

__all__ = ["ExitCode", "Reason", "ReasonClass"]
