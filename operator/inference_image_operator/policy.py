"""What the installation allows: the checks of a spec that the CRD cannot make, because they differ per cluster."""

from inference_image_operator.config import Config, Maximum
from inference_image_operator.model import ONNX, Resources, Spec
from inference_image_operator.observed import Frozen
from inference_image_operator.quantities import quantity

ASK = "Ask the administrator of the operator to allow it (chart values), or change the spec."


class Refusal(Frozen, frozen=True, kw_only=True):
    """A wish that this installation does not grant."""

    reason: str
    message: str
    hint: str = ASK


def refusal(spec: Spec, config: Config) -> Refusal | None:
    """The first thing in the spec that the installation does not allow, if any."""
    return (
        _registry(spec, config)
        or _endpoint(spec, config)
        or _formats(spec, config)
        or _classes(spec, config)
        or _resources(spec, config)
    )


def _registry(spec: Spec, config: Config) -> Refusal | None:
    host = spec.image.repository.split("/", 1)[0]
    if host in config.registries.allowed:
        return None
    allowed = ", ".join(config.registries.allowed)
    return Refusal(
        reason="RegistryNotAllowed",
        message=f"spec.image.repository is on {host}; this installation allows {allowed}.",
    )


def _endpoint(spec: Spec, config: Config) -> Refusal | None:
    if config.endpoint(spec.ufile) is not None:
        return None
    asked = spec.ufile.endpoint
    return Refusal(
        reason="EndpointNotAllowed",
        message=f"spec.ufile.endpoint {asked.scheme if asked else ''}://*{asked.suffix if asked else ''} "
        "is not one that this installation lists.",
    )


def _formats(spec: Spec, config: Config) -> Refusal | None:
    if ONNX not in spec.export.formats or config.images.export_onnx:
        return None
    return Refusal(
        reason="FormatNotAvailable",
        message="spec.export.formats asks for ONNX, and this installation has no image that converts to it.",
        hint="Leave ONNX out, or ask the administrator of the operator for it (chart value images.exportOnnx).",
    )


def _classes(spec: Spec, config: Config) -> Refusal | None:
    wanted = (
        ("priorityClassName", spec.scheduling.priority_class_name, config.scheduling.allowed_priority_classes),
        ("runtimeClassName", spec.scheduling.runtime_class_name, config.scheduling.allowed_runtime_classes),
    )
    for field, name, allowed in wanted:
        if name and name not in allowed:
            return Refusal(
                reason="SchedulingNotAllowed", message=f"spec.scheduling.{field} {name} is not allowed here."
            )
    return None


def _resources(spec: Spec, config: Config) -> Refusal | None:
    for stage, resources in (("export", spec.export.resources), ("build", spec.build.resources)):
        try:
            excess = _excess(resources, config.jobs.maximum)
        except ValueError as error:
            return Refusal(
                reason="ResourcesInvalid",
                message=f"spec.{stage}.resources: {error}",
                hint="Write quantities as Kubernetes does, for example 500m or 2Gi.",
            )
        if excess:
            return Refusal(reason="ResourcesTooLarge", message=f"spec.{stage}.resources: {excess}")
    return None


def _excess(resources: Resources, maximum: Maximum) -> str | None:
    ceilings = {"cpu": maximum.cpu, "memory": maximum.memory, "ephemeral-storage": maximum.ephemeral_storage}
    for quantities in (resources.requests, resources.limits):
        for name, wanted in quantities.items():
            if name in ceilings and quantity(wanted) > quantity(ceilings[name]):
                return f"{name} {wanted} is more than the {ceilings[name]} that this installation allows."
    return None
