"""Requests and limits of each container of the stages, by its name, before disk space is added."""

from inference_image_operator.api import Spec, Status
from inference_image_operator.api.steps import CONTAINERS
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import ContainerResources
from inference_image_operator.jobs.sizing import memory
from inference_image_operator.jobs.sizing.resources import merge_resources, of_step


def of_container(spec: Spec, status: Status, config: Config, name: str) -> ContainerResources:
    """The object's settings, completed from the installation's. `status` gives the size of the model.

    Raises AttributeError for a name that is not in `api.steps.CONTAINERS`.
    """
    match name:
        case "export" | "answer":
            return memory.of_export(spec, status, config, converts=name == "export")
        case "image":
            return memory.of_image(spec, status, config)
        case "kaniko" | "append":
            return merge_resources(spec.build.resources, getattr(config.jobs.resources, name))
        case "download" | "upload" | "sample" | "pull":  # they transfer what `assemble` transfers
            return of_step(spec, config, "assemble")
        case "depot":  # it sends and takes what `report` reads and pushes
            return of_step(spec, config, "report")
        case step:
            return of_step(spec, config, step)


def memory_limit(spec: Spec, status: Status, config: Config, name: str) -> str | int | None:
    """The memory limit of a container in its first attempt; None if it has none or is not a container of a stage."""
    if all(name not in names for names in CONTAINERS.values()):
        return None
    return of_container(spec, status, config, name).limits.get("memory")
