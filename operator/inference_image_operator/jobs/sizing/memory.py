"""Memory of the containers that load the model: from the model's size, up to the installation's maximum."""

from inference_image_operator.api import MemoryStatus, Spec, Status
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import ContainerResources
from inference_image_operator.jobs.sizing.resources import merge_resources
from inference_image_operator.observed import Frozen

MIB = 1 << 20
BASE_MEMORY = 1 << 30
"""Memory of an export without the weights, in bytes: TensorFlow (500 MiB), the graph, activations."""
PER_MODEL_BYTE = 6
"""Ratio of the peak memory of export or inference to the size of the variables (docs/operations/sizing.md)."""
PER_MODEL_BYTE_ONNX = 14
"""The same ratio for an export that also converts the graph to ONNX: tf2onnx holds it several times."""
EXPORT_HEADROOM = 1.5
"""Ratio of the limit to the estimate for the export, whose process we know."""
IMAGE_HEADROOM = 1.75
"""The same ratio for the built image, whose runtime we do not know: TensorFlow's graph optimizer alone adds 40%."""


class Excess(Frozen, frozen=True, kw_only=True):
    """The model needs more memory than the installation allows one container."""

    message: str
    hint: str


def of_export(spec: Spec, status: Status, config: Config, *, converts: bool = True) -> ContainerResources:
    """Resources of the container that exports and `converts` the model, or runs its graph for comparison in a test."""
    need = max(_estimate(status, _per_byte(spec) if converts else PER_MODEL_BYTE), _measured(status))
    default = _sized(config.jobs.resources.export, need, EXPORT_HEADROOM, config)
    return merge_resources(spec.export.resources, default)


def of_image(spec: Spec, status: Status, config: Config) -> ContainerResources:
    """Resources of the image under test."""
    need = _measured(status) or _estimate(status, PER_MODEL_BYTE)
    return merge_resources(spec.test.resources, _sized(config.jobs.resources.image, need, IMAGE_HEADROOM, config))


def limits(spec: Spec, status: Status, config: Config) -> MemoryStatus:
    """Both memory limits, for the status."""
    export, image = of_export(spec, status, config), of_image(spec, status, config)
    return MemoryStatus(export=str(export.limits.get("memory", "")), test=str(image.limits.get("memory", "")))


def excess(spec: Spec, status: Status, config: Config) -> Excess | None:
    """Why this installation cannot export or run the model; None if it can, or if the object sets both limits."""
    maximum = config.jobs.maximum.memory
    need = _measured(status) or _estimate(status, _per_byte(spec))
    asked = "memory" in spec.export.resources.limits and "memory" in spec.test.resources.limits
    if asked or need <= quantity(maximum):
        return None
    about = f"{_mebibytes(need)} of memory, but this installation allows a container at most {maximum}."
    return Excess(
        message=f"Running the frozen graph took {about}"
        if _measured(status)
        else f"A model with {_mebibytes(_model_bytes(status))} of weights needs about {about}",
        hint="Ask the administrator of the operator to raise config.jobs.maximum.memory (chart values), or train a "
        "smaller model. If less memory is enough, set limits in spec.export.resources and spec.test.resources.",
    )


def _sized(default: ContainerResources, need: int, headroom: float, config: Config) -> ContainerResources:
    """The default, raised to what the model needs, at most to the installation's maximum."""
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


def _per_byte(spec: Spec) -> int:
    return PER_MODEL_BYTE_ONNX if "ONNX" in spec.export.formats else PER_MODEL_BYTE


def _estimate(status: Status, per_byte: int) -> int:
    size = _model_bytes(status)
    return BASE_MEMORY + per_byte * size if size else 0


def _measured(status: Status) -> int:
    return status.frozen_graph.memory_bytes if status.frozen_graph else 0
