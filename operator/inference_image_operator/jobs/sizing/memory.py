"""Memory of the containers that hold the model: from what is known of it, within the installation's maximum."""

from inference_image_operator.api import MemoryStatus, Spec, Status
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config, ContainerResources
from inference_image_operator.jobs.sizing.resources import merge_resources
from inference_image_operator.observed import Frozen

MIB = 1 << 20
BASE_MEMORY = 1 << 30
"""What an export takes whatever the model, in bytes: TensorFlow (500 MiB), the graph without weights, activations."""
PER_MODEL_BYTE = 6
"""Peak of exporting or running a detector over the size of its variables (measured: docs/operations/sizing.md)."""
EXPORT_HEADROOM = 1.5
"""Limit over need: the export's own process is known well."""
IMAGE_HEADROOM = 1.75
"""The same for the built image, whose runtime is its own: TensorFlow's graph optimizer alone adds two fifths."""


class Excess(Frozen, frozen=True, kw_only=True):
    """A model that needs more than one container may have here."""

    message: str
    hint: str


def of_export(spec: Spec, status: Status, config: Config) -> ContainerResources:
    """Resources of what exports the model, or runs its graph as the measure of a test."""
    need = max(_estimate(status), _measured(status))
    default = _sized(config.jobs.resources.export, need, EXPORT_HEADROOM, config)
    return merge_resources(spec.export.resources, default)


def of_image(spec: Spec, status: Status, config: Config) -> ContainerResources:
    """Resources of the built image while it is tested."""
    need = _measured(status) or _estimate(status)
    return merge_resources(spec.test.resources, _sized(config.jobs.resources.image, need, IMAGE_HEADROOM, config))


def limits(spec: Spec, status: Status, config: Config) -> MemoryStatus:
    """The memory limits of both, for the status."""
    export, image = of_export(spec, status, config), of_image(spec, status, config)
    return MemoryStatus(export=str(export.limits.get("memory", "")), test=str(image.limits.get("memory", "")))


def excess(spec: Spec, status: Status, config: Config) -> Excess | None:
    """Why the model cannot be exported or run here; None when it can, or when the object sets its limits itself."""
    maximum = config.jobs.maximum.memory
    need = _measured(status) or _estimate(status)
    asked = "memory" in spec.export.resources.limits and "memory" in spec.test.resources.limits
    if asked or need <= quantity(maximum):
        return None
    about = f"{_mebibytes(need)} of memory; this installation allows a container {maximum}."
    return Excess(
        message=f"Running the frozen graph took {about}"
        if _measured(status)
        else f"A model with {_mebibytes(_model_bytes(status))} of weights needs about {about}",
        hint="Ask the administrator of the operator to raise config.jobs.maximum.memory (chart values), or train a "
        "smaller model. If you know that less will do, set spec.export.resources and spec.test.resources.",
    )


def _sized(default: ContainerResources, need: int, headroom: float, config: Config) -> ContainerResources:
    """The default, raised where the model needs more; never above the installation's maximum."""
    maximum = int(quantity(config.jobs.maximum.memory))
    requests = _raised(default.requests, min(need, maximum))
    return ContainerResources(requests=requests, limits=_raised(default.limits, min(int(need * headroom), maximum)))


def _raised(quantities: dict[str, str | int], need: int) -> dict[str, str | int]:
    if need <= quantity(quantities.get("memory", 0)):
        return dict(quantities)
    return dict(quantities) | {"memory": _mebibytes(need).replace(" MiB", "Mi")}


def _mebibytes(size: int) -> str:
    return f"{-(-size // MIB)} MiB"


def _model_bytes(status: Status) -> int:
    return status.checkpoint.model_bytes if status.checkpoint else 0


def _estimate(status: Status) -> int:
    size = _model_bytes(status)
    return BASE_MEMORY + PER_MODEL_BYTE * size if size else 0


def _measured(status: Status) -> int:
    return status.frozen_graph.memory_bytes if status.frozen_graph else 0
