"""Manifests of the Jobs: pure functions of the object, its status and the configuration."""

from typing import Any

from msgspec.structs import replace

from inference_image_operator.api import MemoryRaise, Status
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.job import JobLabel, job
from inference_image_operator.jobs.stages import build, export, publish, resolve, test
from inference_image_operator.observed import Observed

POLL = "Poll"
"""The stage label of a poll's Job."""
_BUILDERS = {
    Stage.RESOLVE: resolve.pod,
    Stage.EXPORT: export.pod,
    Stage.BUILD: build.pod,
    Stage.TEST: test.pod,
    Stage.PUBLISH: publish.pod,
}


def manifest(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    """The Job of the stage that `status` claims. Equal arguments give equal manifests.

    Raises ValueError if the status claims nothing.
    """
    if status.stage is None:
        raise ValueError("the status claims no stage")
    pod = _BUILDERS[status.stage.name](observed, status, config)
    if status.stage.memory:
        _raise_memory(pod.spec, status.stage.memory)
    claim = status.stage
    label = JobLabel(stage=claim.name.value, name=claim.job, content=claim.content, attempt=claim.attempt)
    return job(observed, label, pod, config)


def poll_job(observed: Observed, name: str, content: str, config: Config) -> dict[str, Any]:
    """The Job of a poll: the same pod as in the Resolve stage, but no run claims it. See `polling`.

    It restores nothing, because every restore costs money.
    """
    spec = observed.spec
    frugal = replace(observed, spec=replace(spec, ufile=replace(spec.ufile, restore="")))
    pod = resolve.pod(frugal, observed.status, config)
    return job(observed, JobLabel(stage=POLL, name=name, content=content, attempt=1), pod, config)


def _raise_memory(spec: dict[str, Any], raised: MemoryRaise) -> None:
    for container in (*spec.get("initContainers", []), *spec["containers"]):
        if container["name"] == raised.container:
            container["resources"]["limits"]["memory"] = raised.limit
