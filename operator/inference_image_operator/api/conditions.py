"""Conditions as the API conventions and kstatus define them: pure functions on a status.

Ready is the summary: Unknown while a stage works, True when the image is published, False on failure. Reconciling,
Stalled, Suspended, Pinned, PollFailed and TagLost exist only while they are true, RolledOut only with spec.rollout.
"""

from datetime import datetime

from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api import Condition, ConditionStatus, Status
from inference_image_operator.api.stages import Type
from inference_image_operator.api.times import whole_seconds

__all__ = ["MAX_MESSAGE", "Editor", "Type", "cut", "find", "owned"]

MAX_MESSAGE = 1024


_ORDER = {kind.value: position for position, kind in enumerate(Type)}


def owned(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Our conditions in a fixed order, without those of other controllers."""
    return tuple(sorted((c for c in conditions if c.type in _ORDER), key=lambda c: _ORDER[c.type]))


def find(conditions: tuple[Condition, ...], kind: Type) -> Condition | None:
    """The condition of this type; None without one."""
    return next((c for c in conditions if c.type == kind), None)


def cut(message: str) -> str:
    """The message as a condition has it."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


class Editor:
    """Collects the changes of the conditions within one decision."""

    def __init__(self, status: Status, generation: int, now: datetime) -> None:
        self._generation = generation
        self._now = whole_seconds(now)
        self._by_type = {c.type: self._dated(c) for c in owned(status.conditions)}

    def set(self, kind: Type, status: ConditionStatus, reason: Reason, message: str = "") -> None:
        """Sets a condition. Its transition time changes only with its status."""
        old = self._by_type.get(kind)
        since = old.last_transition_time if old and old.status == status else self._now
        self._by_type[kind] = Condition(
            type=kind.value,
            status=status,
            reason=reason.value,
            message=cut(message),
            last_transition_time=since,
            observed_generation=self._generation,
        )

    def _dated(self, condition: Condition) -> Condition:
        """The condition, with the current time if its own was unreadable: the API server refuses one without a time."""
        return condition if condition.last_transition_time else replace(condition, last_transition_time=self._now)

    def drop(self, *kinds: Type) -> None:
        """Removes conditions that are no longer true."""
        for kind in kinds:
            self._by_type.pop(kind, None)

    def follow_generation(self) -> None:
        """Marks all conditions as valid for the newest generation; `kubectl wait` ignores those of an older one."""
        for kind, condition in self._by_type.items():
            self._by_type[kind] = replace(condition, observed_generation=self._generation)

    @property
    def all(self) -> tuple[Condition, ...]:
        """The current conditions, in a fixed order."""
        return owned(tuple(self._by_type.values()))
