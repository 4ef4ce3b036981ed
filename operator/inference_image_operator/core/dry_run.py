"""Plans the Jobs of an object without a cluster, from results that the caller provides.

This is the interface of the kubectl plugin: it hides the state machine behind one function.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from inference_image_contract import results
from inference_image_operator.api import Status
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.core import progress
from inference_image_operator.core.decide import decide
from inference_image_operator.core.decision import CreateJob
from inference_image_operator.core.draft import Draft
from inference_image_operator.diagnosis.outcomes import Done
from inference_image_operator.jobs import manifest
from inference_image_operator.observed import Observed

_NOW = datetime(1970, 1, 1, tzinfo=UTC)


class NotStartedError(Exception):
    """The operator would not start a Job. The text is the reason and the message of the condition that says why."""


class PlannedJob(NamedTuple):
    """A Job that the operator would create."""

    stage: Stage
    observed: Observed
    """The object, with the status that it has when the Job is created."""
    manifest: dict[str, Any]


def next_job(observed: Observed, config: Config, result: results.Result | None = None) -> PlannedJob | None:
    """The first Job, or, with the `result` of the claimed stage, the Job that follows; None when the run has ended.

    Raises NotStartedError, and ValueError for a spec that the API server would refuse.
    """
    if result is None:
        return _first(observed, config)
    claimed = observed.status.stage
    if claimed is None:
        raise RuntimeError("a result without a claimed stage")
    draft = Draft(observed, config, _NOW)
    progress.record(draft, claimed.name, Done(result=result, seconds=0))
    following = draft.status.stage
    if following is None:
        return None
    job = manifest(observed, draft.status, config)
    return PlannedJob(following.name, replace(observed, status=draft.status), job)


def _first(observed: Observed, config: Config) -> PlannedJob:
    decision = decide(observed, config, _NOW)
    job = next((action.manifest for action in decision.actions if isinstance(action, CreateJob)), None)
    if job is None:
        raise NotStartedError(_why(decision.status))
    return PlannedJob(Stage.RESOLVE, replace(observed, status=decision.status), job)


def _why(status: Status) -> str:
    for kind in (Type.SUSPENDED, Type.STALLED):
        if found := find(status.conditions, kind):
            return f"{found.reason}: {found.message}"
    raise RuntimeError("the operator neither starts a Job nor says why")
