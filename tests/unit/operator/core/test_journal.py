"""Golden journals of whole runs: the status changes, the actions and the requeue time of every reconcile.

After an intended change, run `UPDATE_GOLDEN=1 make test-unit` and read the diff.
"""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import yaml

from inference_image_contract.reasons import Reason
from inference_image_operator.api import Status, write
from inference_image_operator.core.decide import decide
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.observed import Refusal
from tests.support.journeys import JOURNEYS
from tests.support.world import World

GOLDEN = Path(__file__).parents[1] / "golden" / "journal"


class Journal(World):
    """A world that records every reconcile."""

    lines: list[dict]

    def step(self) -> Decision:
        before = self.status
        decision = super().step()
        entry = {"after": int((self.now - self.born).total_seconds()), "status": changed(before, decision.status)}
        again = decision.requeue_after
        entry |= {
            "does": [told(action) for action in decision.actions],
            "again": float(again) if isinstance(again, float) else again,
        }
        kept = {key: value for key, value in entry.items() if value not in ({}, [], None)}
        if len(kept) > 1:
            self.lines.append(kept)
        return decision


def journal() -> Journal:
    world = Journal()
    world.lines, world.born = [], world.now
    return world


def told(action: object) -> str:
    match action:
        case CreateJob(manifest=manifest):
            return f"creates {manifest['metadata']['name']}"
        case DeleteJob(name=name, uid=uid):
            return f"deletes {name} {uid}"
        case Emit(type=kind, reason=reason, message=message):
            return f"says {kind} {reason}: {message}"
    raise TypeError(action)


def changed(before: Status, after: Status) -> dict:
    """The fields that differ, with one entry per condition."""
    old, new = document(before), document(after)
    return {key: new.get(key, "gone") for key in {**old, **new} if old.get(key) != new.get(key)}


def document(status: Status) -> dict:
    found = write(status)
    for condition in found.pop("conditions", []):
        kind = condition["type"]
        found[kind] = f"{condition['status']} {condition['reason']} g{condition['observedGeneration']}"
        found[kind] += f" since {condition['lastTransitionTime']}: {condition['message']}"
    return found


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_a_whole_run_equals_its_golden_journal(journey: Callable[[World], None]) -> None:
    world = journal()
    journey(world)
    text = yaml.safe_dump_all(world.lines, sort_keys=True, width=120)
    path = GOLDEN / f"{journey.__name__}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


REFUSALS = [
    (Refusal(reason=Reason.QUOTA_EXCEEDED, message="too much"), "False", 30, True),
    (Refusal(reason=Reason.JOB_INVALID, message="no"), "False", None, False),
    (Refusal(reason=Reason.JOB_NAME_CONFLICT, message="taken"), "False", None, False),
]


@pytest.mark.parametrize(("refusal", "ready", "again", "claimed"), REFUSALS)
def test_a_rejected_job_is_reported_and_retried_if_that_may_help(refusal, ready, again, claimed):
    world = World()
    world.step()
    world.jobs.clear()
    decision = decide(msgspec.structs.replace(world.observed(), refusal=refusal), world.config, world.now)
    told_ = {c.type: (c.status, c.reason, c.message) for c in decision.status.conditions}
    assert told_["Ready"] == (ready, refusal.reason, refusal.message)
    assert told_["Resolved"] == (ready, refusal.reason, refusal.message)
    assert told_.get("Reconciling") == (("True", refusal.reason, refusal.message) if claimed else None)
    assert told_.get("Stalled") == (None if claimed else ("True", refusal.reason, refusal.message))
    assert (decision.status.stage is not None) is claimed
    assert decision.requeue_after == again
    assert not [action for action in decision.actions if not isinstance(action, Emit)]


def test_a_deleted_object_is_left_alone():
    world = World()
    world.settle()
    decision = decide(msgspec.structs.replace(world.observed(), deleting=True), world.config, world.now)
    assert decision == Decision(status=world.status)
