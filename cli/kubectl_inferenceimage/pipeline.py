"""The stages of one InferenceImage without a cluster: the operator plans the Jobs, the caller provides the results."""

from typing import TypeVar

import msgspec

from inference_image_contract import inputs, paths, results
from inference_image_operator.api import Status
from inference_image_operator.config.installation import Config
from inference_image_operator.core.dry_run import NotStartedError, PlannedJob, next_job
from inference_image_operator.observed import Observed
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.manifest import Image

__all__ = ["UID", "PlannedJob", "first", "following", "step_input"]

UID = "00000000-0000-0000-0000-000000000000"
"""Stands for the uid that an API server would give the object; it is part of the Jobs' names."""

T = TypeVar("T", bound=inputs.Input)


def step_input(planned: PlannedJob, container: str, kind: type[T]) -> T:
    """The input that a Job passes to one of its containers."""
    pod = planned.manifest["spec"]["template"]["spec"]
    found = next(c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == container)
    text = next(env["value"] for env in found["env"] if env["name"] == paths.INPUT_ENV)
    return msgspec.json.decode(text.replace("$$", "$"), type=kind)  # undoes the escaping of `$` in `jobs.pod`


def first(image: Image, config: Config) -> PlannedJob:
    """The Job of the first stage.

    Raises CommandError when no Job would start: the API server or the installation refuses the object, or it is
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
    run = _planned(observed, config)
    if run is None:
        raise ValueError("the operator ends the run before its first stage")
    return run


def following(run: PlannedJob, result: results.Result, config: Config) -> PlannedJob | None:
    """The Job that follows this result of a stage; None when the run has ended. Raises CommandError as `first`."""
    return _planned(run.observed, config, result)


def _planned(observed: Observed, config: Config, result: results.Result | None = None) -> PlannedJob | None:
    try:
        return next_job(observed, config, result)
    except NotStartedError as error:
        raise CommandError(f"No Job would start. {error}") from error
    except ValueError as error:  # the API server checks the CRD's rules in CEL before the operator sees the object
        raise CommandError(f"The API server would reject this manifest: {error}.") from error
