"""What the installation allows: checks of the spec that the CRD cannot make because they differ per cluster."""

from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api import ONNX, BuildSpec, ExportSpec, Resources, Spec, StepResources, TestSpec
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import Maximum
from inference_image_operator.observed import Frozen

ASK = "Ask the administrator of the operator to allow it (chart values), or change the spec."


class Refusal(Frozen, frozen=True, kw_only=True):
    """Something in the spec that this installation does not allow."""

    reason: Reason
    message: str
    hint: str = ASK


def refusal(spec: Spec, config: Config) -> Refusal | None:
    """The first thing in the spec that the installation does not allow; None if it allows everything.

    While an image is pinned, what makes images has no effect, and is allowed.
    """
    checks = [_registry, _classes, _tolerations, _affinity, _resources]
    if spec.image.pin:
        spec = replace(spec, export=ExportSpec(), build=BuildSpec(), test=TestSpec())
    else:
        checks[1:1] = [_builder, _endpoint, _git_host, _formats]
    return next((found for check in checks if (found := check(spec, config))), None)


def _registry(spec: Spec, config: Config) -> Refusal | None:
    named = [("spec.image.repository", spec.image.repository)]
    named += [("spec.image.additionalRepositories", repository) for repository in spec.image.additional_repositories]
    if spec.build.cache.repository:
        named.append(("spec.build.cache.repository", spec.build.cache.repository))
    for field, repository in named:
        host = repository.split("/", 1)[0]
        if not config.registries.names.listed(host, config.registries.allowed):
            allowed = ", ".join(config.registries.allowed)
            return Refusal(
                reason=Reason.REGISTRY_NOT_ALLOWED, message=f"{field} is on {host}; this installation allows {allowed}."
            )
    return None


def _builder(spec: Spec, config: Config) -> Refusal | None:
    if config.builder(spec.build) in config.builders.allowed:
        return None
    return Refusal(
        reason=Reason.BUILDER_NOT_ALLOWED,
        message=f"spec.build.builder is {spec.build.builder}; this installation allows "
        f"{', '.join(config.builders.allowed)}.",
    )


def _endpoint(spec: Spec, config: Config) -> Refusal | None:
    ufile = spec.ufile
    if config.endpoint(ufile) is not None:
        return None
    if ufile.endpoint is not None:
        return Refusal(
            reason=Reason.ENDPOINT_NOT_ALLOWED,
            message=f"spec.ufile.endpoint {ufile.endpoint.scheme}://*{ufile.endpoint.suffix} is not in this "
            "installation's list of allowed endpoints.",
        )
    if ufile.region in config.ufile.regions:
        return Refusal(
            reason=Reason.ENDPOINT_NOT_ALLOWED,
            message=f"This installation has no {config.network(ufile)} endpoint for the region {ufile.region}.",
            hint=f"Set spec.ufile.network to the other network. {ASK}",
        )
    return Refusal(
        reason=Reason.REGION_UNKNOWN,
        message=f"spec.ufile.region {ufile.region} is unknown. This installation knows "
        f"{', '.join(config.ufile.regions)}.",
        hint="Correct spec.ufile.region, or ask the administrator of the operator to add the region (chart value "
        "config.ufile.regions).",
    )


def _formats(spec: Spec, config: Config) -> Refusal | None:
    if ONNX not in spec.export.formats or config.images.export_onnx:
        return None
    return Refusal(
        reason=Reason.FORMAT_NOT_AVAILABLE,
        message="spec.export.formats lists ONNX, but this installation has no image with the ONNX converter.",
        hint="Remove ONNX, or ask the administrator of the operator to add the image (chart value images.exportOnnx).",
    )


def _git_host(spec: Spec, config: Config) -> Refusal | None:
    if spec.source.git is None:
        return None
    host = spec.source.git.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    allowed = config.sources.git_hosts
    if host in allowed:
        return None
    lists = f"allows {', '.join(allowed)}" if allowed else "allows no Git host"
    return Refusal(
        reason=Reason.GIT_HOST_NOT_ALLOWED, message=f"spec.source.git.url is on {host}; this installation {lists}."
    )


def _classes(spec: Spec, config: Config) -> Refusal | None:
    wanted = (
        ("priorityClassName", spec.scheduling.priority_class_name, config.scheduling.allowed_priority_classes),
        ("runtimeClassName", spec.scheduling.runtime_class_name, config.scheduling.allowed_runtime_classes),
        ("queueName", spec.scheduling.queue_name, config.scheduling.allowed_queues),
    )
    for field, name, allowed in wanted:
        if name and name not in allowed:
            return Refusal(
                reason=Reason.SCHEDULING_NOT_ALLOWED,
                message=f"This installation does not allow spec.scheduling.{field} {name}.",
            )
    return None


def _tolerations(spec: Spec, config: Config) -> Refusal | None:
    for toleration in spec.scheduling.tolerations:
        if toleration.key not in config.scheduling.allowed_toleration_keys:
            what = f"of the taint {toleration.key}" if toleration.key else "of every taint"
            return Refusal(
                reason=Reason.SCHEDULING_NOT_ALLOWED,
                message=f"This installation does not allow a toleration {what} in spec.scheduling.tolerations.",
            )
    return None


def _affinity(spec: Spec, config: Config) -> Refusal | None:
    if not spec.scheduling.affinity or config.scheduling.allow_affinity:
        return None
    return Refusal(
        reason=Reason.SCHEDULING_NOT_ALLOWED,
        message="This installation does not allow spec.scheduling.affinity.",
        hint=f"Use spec.scheduling.nodeSelector. {ASK}",
    )


def _resources(spec: Spec, config: Config) -> Refusal | None:
    asked = {f"spec.{name}.resources": getattr(spec, name).resources for name in ("export", "build", "test")}
    asked |= {f"spec.resources.{name}": getattr(spec.resources, name) for name in StepResources.__struct_fields__}
    for field, resources in asked.items():
        try:
            excess = _excess(resources, config.jobs.maximum)
        except ValueError as error:
            return Refusal(
                reason=Reason.RESOURCES_INVALID,
                message=f"{field}: {error}",
                hint="Use Kubernetes quantities, for example 500m or 2Gi.",
            )
        if excess:
            return Refusal(reason=Reason.RESOURCES_TOO_LARGE, message=f"{field}: {excess}")
    return None


def _excess(resources: Resources, maximum: Maximum) -> str | None:
    ceilings = {"cpu": maximum.cpu, "memory": maximum.memory, "ephemeral-storage": maximum.ephemeral_storage}
    for quantities in (resources.requests, resources.limits):
        for name, wanted in quantities.items():
            if name in ceilings and quantity(wanted) > quantity(ceilings[name]):
                return f"{name} {wanted} exceeds the maximum of this installation, {ceilings[name]}."
    return None
