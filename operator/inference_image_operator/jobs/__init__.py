"""Manifests of the stages' Jobs: pure functions of the object, its status and the installation."""

from typing import Any

from inference_image_operator.config import Config
from inference_image_operator.jobs import build, export, resolve, test
from inference_image_operator.jobs.job import job
from inference_image_operator.model import Status
from inference_image_operator.observed import Observed
from inference_image_operator.stages import Stage

_BUILDERS = {
    Stage.RESOLVE: resolve.pod,
    Stage.EXPORT: export.pod,
    Stage.BUILD: build.pod,
    Stage.TEST: test.pod,
}


def manifest(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """The Job of the stage that `status` claims; equal arguments give an equal manifest.

    Raises ValueError when the status claims nothing.
    """
    if status.stage is None:
        raise ValueError("the status claims no stage")
    return job(observed, status.stage, _BUILDERS[Stage(status.stage.name)](observed, status, config))
