"""What the loop remembers: conditions, `lastFailure`, timings and history are for people, and steer no decision.

Only `spec.image.pin` reads the history: it holds the images that can be pinned.
"""

from datetime import datetime

from msgspec.structs import replace

from inference_image_operator.config.installation import Config
from inference_image_operator.core.decide import decide
from inference_image_operator.core.decision import Decision, Emit
from inference_image_operator.observed import Observed


def check_memory(observed: Observed, config: Config, now: datetime) -> None:
    """Decides again without what is only for people: the same Jobs, claims and times must follow."""
    history = observed.status.history if observed.spec.image.pin else ()
    status = replace(observed.status, conditions=(), last_failure=None, timings=None, history=history)
    forgetful = decide(replace(observed, status=status), config, now)
    decision = decide(observed, config, now)
    assert _steps(forgetful) == _steps(decision), "a decision depends on what is only for people"


def _steps(decision: Decision) -> tuple[object, ...]:
    status = decision.status
    jobs = tuple(action for action in decision.actions if not isinstance(action, Emit))
    return status.observed_generation, status.run, status.stage, status.last_poll_time, jobs, decision.requeue_after
