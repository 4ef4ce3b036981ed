"""`spec.rollout`: hands the published image to its target, and takes it back if it is not available.

It decides from the spec, `status.image`, `status.rollout` and the observed target, beside the run: Ready is about the
image, RolledOut about the target. See docs/decisions/0028.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from inference_image_contract.hints import ANNOTATE, explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import ROLLOUT_FROM, RolloutSpec, RolloutStatus, parse_duration, write
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.api.names import digest
from inference_image_operator.config.installation import Config
from inference_image_operator.core.decision import ApplyImage, Decision
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.ended import has_ended
from inference_image_operator.observed import Observed, Target

WRITTEN_CHECK = 1.0
WAIT_CHECK = 5.0
BLOCKED_CHECK = 60.0
"""Seconds until the next reconcile: after a write to the target, while it starts, and while somebody has to act."""
_PROMPT = timedelta(seconds=10)
"""After it, what was applied and is not there is no longer looked for every second."""
_MAX_SAID = 600
_ENDS = {
    "RolledOut": Reason.ROLLED_OUT,
    "RolledBack": Reason.ROLLED_BACK,
    "NotAvailable": Reason.ROLLOUT_NOT_AVAILABLE,
    "Replaced": Reason.ROLLOUT_REPLACED,
}
"""The phases in which a rollout has ended, and what they say."""


def is_pending(observed: Observed) -> bool:
    """Whether the rollout needs a decision, judged from the object alone."""
    spec, state = observed.spec.rollout, observed.status.rollout
    if spec is None:
        return state is not None or find(observed.status.conditions, Type.ROLLED_OUT) is not None
    if observed.status.image is None:
        return False
    if state and state.phase not in _ENDS and state.target == spec.target:
        return True  # a run that begins meanwhile does not stop the wait, nor the way back
    if state is None or state.input_hash != _input_hash(observed, spec):
        return _may_begin(observed)
    return has_ended(observed) and not _is_told(observed)


def needs_target(observed: Observed, config: Config) -> bool:
    """Whether this decision needs the target."""
    spec = observed.spec.rollout
    return spec is not None and spec.kind in config.rollout.allowed and is_pending(observed)


def follow(decision: Decision, observed: Observed, config: Config, now: datetime) -> Decision:
    """The decision with the next step of the rollout."""
    after = replace(observed, status=decision.status)
    if not is_pending(after):
        return decision
    draft = Draft(after, config, now)
    again = _step(draft, observed.spec.rollout)
    status = draft.decision().status
    times = [time for time in (decision.requeue_after, again) if time is not None]
    return Decision(
        status=status, actions=(*decision.actions, *draft.actions), requeue_after=min(times) if times else None
    )


def _step(draft: Draft, spec: RolloutSpec | None) -> float | None:
    """The next step. Returns the seconds until the one after it; None to wait for an event."""
    if spec is None:
        draft.update(rollout=None)
        draft.conditions.drop(Type.ROLLED_OUT)
        return None
    state, wanted = draft.status.rollout, _input_hash(draft.observed, spec)
    if state and state.input_hash == wanted and state.phase in _ENDS:
        _tell(draft, state)
        return None
    if obstacle := _obstacle(draft, spec):
        return _blocked(draft, obstacle)
    target = draft.observed.target
    if target is None:  # it was not read: the rollout is pending only since this decision
        return WRITTEN_CHECK
    if state is None or (state.input_hash != wanted and _may_begin(draft.observed)):
        if not _agrees(draft, target):
            return _blocked(draft, _not_agreed(draft, spec))
        state = _begin(draft, spec, target, wanted)
    step = {"Applying": _apply, "Waiting": _wait}.get(state.phase, _roll_back)
    return step(draft, spec, state, target)


class Obstacle(NamedTuple):
    """What somebody has to remove."""

    reason: Reason
    text: str
    hint: str = ""


def _obstacle(draft: Draft, spec: RolloutSpec) -> Obstacle | None:
    """Why the target cannot be changed, whatever the next step is."""
    observed, target = draft.observed, draft.observed.target
    if spec.kind not in draft.config.rollout.allowed:
        allowed = ", ".join(draft.config.rollout.allowed) or "none"
        text = f"spec.rollout hands the image to a {spec.kind}. This installation allows these kinds: {allowed}."
        return Obstacle(Reason.ROLLOUT_NOT_ALLOWED, text, "Ask the administrator (config.rollout.allowed).")
    if observed.target_refusal:
        return Obstacle(observed.target_refusal.reason, observed.target_refusal.message)
    if observed.target_read and target is None:
        text = f"{spec.target} does not exist."
        return Obstacle(Reason.ROLLOUT_TARGET_NOT_FOUND, text, "Create it, or correct spec.rollout.")
    if target and target.image is None:
        return Obstacle(
            Reason.ROLLOUT_TARGET_NOT_FOUND, f"{spec.target} {target.lacks}", "Correct it, or spec.rollout."
        )
    return None


def _input_hash(observed: Observed, spec: RolloutSpec) -> str:
    image = observed.status.image
    return digest(write(spec), image.reference if image else "", observed.status.last_handled_request)


def _may_begin(observed: Observed) -> bool:
    """Only a run that has ended says which image is to be handed over, and a suspended object changes nothing."""
    return has_ended(observed) and not observed.spec.suspend


def _is_told(observed: Observed) -> bool:
    found = find(observed.status.conditions, Type.ROLLED_OUT)
    return found is not None and found.observed_generation == observed.generation


def _agrees(draft: Draft, target: Target) -> bool:
    return target.agrees_with == draft.observed.name


def _begin(draft: Draft, spec: RolloutSpec, target: Target, wanted: str) -> RolloutStatus:
    """Claims the rollout. Its way back leads to the last image that was available, not to one on trial."""
    before, image = draft.status.rollout, draft.status.image
    previous = target.image or ""
    if before and before.target == spec.target and before.phase != "RolledOut" and before.image == target.image:
        previous = before.previous_image
    reference = image.reference if image else ""
    state = RolloutStatus(
        input_hash=wanted,
        target=spec.target,
        image=reference,
        previous_image=previous if previous != reference and spec.is_awaited else "",
        phase="Applying",
        start_time=draft.stamp,
    )
    text = f"Handing {reference} to {spec.target}."
    draft.update(rollout=state)
    draft.conditions.set(Type.ROLLED_OUT, "Unknown", Reason.ROLLING_OUT, text)
    draft.emit(Reason.ROLLING_OUT, text)
    return state


def _apply(draft: Draft, spec: RolloutSpec, state: RolloutStatus, target: Target) -> float | None:
    """Sets the image, as one who owns the field. A target that has it already is told so too, and is then owned."""
    if target.image != state.image or not target.owned:
        return _write(draft, spec, state, target, state.image)
    if not spec.is_awaited:
        _end(draft, replace(state, phase="RolledOut", message=f"{spec.target} has {state.image}."))
        return None
    waiting = replace(state, phase="Waiting", start_time=draft.stamp)
    draft.update(rollout=waiting)
    return _wait(draft, spec, waiting, target)


def _wait(draft: Draft, spec: RolloutSpec, state: RolloutStatus, target: Target) -> float | None:
    if target.image != state.image:
        text = (
            f"Another client changed the image of {spec.target} to {target.image} during the rollout of {state.image}."
        )
        _end(draft, replace(state, phase="Replaced", message=explanation(text, _again())))
        return None
    if target.is_available:
        text = f"{spec.target} runs {state.image}: {target.progress}."
        _end(draft, replace(state, phase="RolledOut", message=text))
        return None
    until = state.start_time + timedelta(seconds=parse_duration(spec.timeout))
    if draft.now < until and not target.is_stuck:
        text = f"Waiting for {spec.target}: {target.progress}. {target.said}"
        draft.conditions.set(Type.ROLLED_OUT, "Unknown", Reason.ROLLING_OUT, text.strip())
        return min(WAIT_CHECK, (until - draft.now).total_seconds())
    late = "exceeded its progressDeadlineSeconds" if target.is_stuck else f"was not available within {spec.timeout}"
    text = f"{spec.target} {late} with {state.image}. {target.said}".strip()[:_MAX_SAID]
    if not state.previous_image:
        hint = f"It had no other image before. Correct the image or the {spec.kind}, then {ANNOTATE}."
        _end(draft, replace(state, phase="NotAvailable", message=explanation(text, hint)))
        return None
    back = replace(state, phase="RollingBack", start_time=draft.stamp, message=text)
    draft.update(rollout=back)
    draft.conditions.set(Type.ROLLED_OUT, "Unknown", Reason.ROLLING_OUT, f"{text} Putting the image before back.")
    return _roll_back(draft, spec, back, target)


def _roll_back(draft: Draft, spec: RolloutSpec, state: RolloutStatus, target: Target) -> float | None:
    """Puts the image before back, unless somebody else has set another one."""
    if target.image == state.image:
        return _write(draft, spec, state, target, state.previous_image)
    text = f"{state.message} {spec.target} has {target.image} again."
    _end(draft, replace(state, phase="RolledBack", message=explanation(text, _again())))
    return None


def _again() -> str:
    return f"The operator does not roll this image out again by itself: to try it again, {ANNOTATE}."


def _write(draft: Draft, spec: RolloutSpec, state: RolloutStatus, target: Target, image: str) -> float:
    """Applies the image. A webhook may keep the target from having it; then the operator tries less often."""
    if not _agrees(draft, target):
        return _blocked(draft, _not_agreed(draft, spec))
    if refused := draft.observed.apply_refusal:
        return _blocked(draft, Obstacle(refused.reason, refused.message))
    draft.actions.append(
        ApplyImage(
            kind=spec.kind,
            name=spec.name,
            field=spec.field,
            image=image,
            uid=target.uid,
            resource_version=target.resource_version,
        )
    )
    return WRITTEN_CHECK if draft.now - state.start_time < _PROMPT else BLOCKED_CHECK


def _not_agreed(draft: Draft, spec: RolloutSpec) -> Obstacle:
    text = f"{spec.target} has no annotation {ROLLOUT_FROM}: {draft.observed.name}, so the operator does not change it."
    return Obstacle(Reason.ROLLOUT_NOT_AGREED, text, "Whoever may change it has to agree: set the annotation there.")


def _blocked(draft: Draft, obstacle: Obstacle) -> float:
    """Somebody has to act. The operator looks again every minute."""
    before = find(draft.conditions.all, Type.ROLLED_OUT)
    message = explanation(obstacle.text, obstacle.hint) if obstacle.hint else obstacle.text
    draft.conditions.set(Type.ROLLED_OUT, "False", obstacle.reason, message)
    if before is None or before.reason != obstacle.reason:
        draft.emit(obstacle.reason, message, warning=True)
    return BLOCKED_CHECK


def _end(draft: Draft, state: RolloutStatus) -> None:
    draft.update(rollout=state)
    draft.emit(_ENDS[state.phase], state.message, warning=state.phase != "RolledOut")
    _tell(draft, state)


def _tell(draft: Draft, state: RolloutStatus) -> None:
    well = state.phase == "RolledOut"
    draft.conditions.set(Type.ROLLED_OUT, "True" if well else "False", _ENDS[state.phase], state.message)
