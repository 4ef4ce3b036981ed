"""The stages of one InferenceImage without a cluster: the operator's own decisions, on results that a caller brings."""

from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from inference_image_contract import inputs, paths, results
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
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.manifest import Image

UID = "00000000-0000-0000-0000-000000000000"
"""In place of the uid that an API server would give the object; it is part of the Jobs' names."""
_NOW = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T", bound=inputs.Input)


class Step(NamedTuple):
    """A stage that is to run: what the operator knows by then, and the Job that it would create."""

    stage: Stage
    observed: Observed
    job: dict[str, Any]

    def input(self, container: str, kind: type[T]) -> T:
        """What the Job hands to one of its containers."""
        pod = self.job["spec"]["template"]["spec"]
        found = next(c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == container)
        text = next(env["value"] for env in found["env"] if env["name"] == paths.INPUT_ENV)
        return msgspec.json.decode(text.replace("$$", "$"), type=kind)  # the inverse of `jobs.pod.literal`


def first(image: Image, config: Config) -> Step:
    """The first stage.

    Raises CommandError when nothing would start: the API server or the installation refuses the object, or it is
    suspended.
    """
    observed = Observed(
        name=image.name,
        namespace=image.namespace,
        uid=UID,
        generation=1,
        spec=image.spec,
        status=Status(),
        request=image.request,
    )
    try:
        decision = decide(observed, config, _NOW)
    except ValueError as error:
        raise _refused(error) from error
    job = next((action.manifest for action in decision.actions if isinstance(action, CreateJob)), None)
    if job is None:
        raise CommandError(_why_nothing(decision.status))
    return Step(Stage.RESOLVE, replace(observed, status=decision.status), job)


def following(step: Step, result: results.Result, config: Config) -> Step | None:
    """The stage that follows this result of a step; None when the run has ended. Raises CommandError as `first`."""
    draft = Draft(step.observed, config, _NOW)
    try:
        progress.record(draft, step.stage, Done(result=result, seconds=0))
        claimed = draft.status.stage
        if claimed is None:
            return None
        job = manifest(step.observed, draft.status, config)
    except ValueError as error:
        raise _refused(error) from error
    return Step(Stage(claimed.name), replace(step.observed, status=draft.status), job)


def _refused(error: ValueError) -> CommandError:
    """The CRD's rules in CEL keep such values from the operator; here they were not checked."""
    return CommandError(f"The API server would refuse this manifest: {error}.")


def _why_nothing(status: Status) -> str:
    for kind in (Type.SUSPENDED, Type.STALLED):
        if found := find(status.conditions, kind):
            return f"No Job would run. {found.reason}: {found.message}"
    raise ValueError("the operator neither starts a Job nor says why")
