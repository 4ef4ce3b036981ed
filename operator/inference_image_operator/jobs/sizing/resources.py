"""Resources of a container: the object's settings, then the installation's defaults, and disk space."""

from typing import Any

from inference_image_operator.api import Resources, Spec
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import Config
from inference_image_operator.config.jobs import ContainerResources


def merge_resources(asked: Resources, default: ContainerResources) -> ContainerResources:
    """The object's settings, completed from the defaults.

    Where they contradict each other, the default changes: a request never exceeds a limit.
    """
    found_limits = dict(default.limits) | dict(asked.limits)
    requests = dict(default.requests) | dict(asked.requests)
    for name in requests.keys() & found_limits.keys():
        if quantity(requests[name]) > quantity(found_limits[name]):
            if name in asked.limits:
                requests[name] = found_limits[name]
            else:
                found_limits[name] = requests[name]
    return ContainerResources(requests=requests, limits=found_limits)


def of_step(spec: Spec, config: Config, name: str) -> ContainerResources:
    """Resources of a step that is not a stage's main container."""
    asked: Resources = getattr(spec.resources, name)
    default: ContainerResources = getattr(config.jobs.resources, name)
    return merge_resources(asked, default)


def with_ephemeral_storage(resources: ContainerResources, size: int) -> ContainerResources:
    """The same resources with a request of `size` bytes of scratch space, unless they have such a request."""
    if "ephemeral-storage" in resources.requests:
        return resources
    return ContainerResources(
        requests=dict(resources.requests) | {"ephemeral-storage": str(size)}, limits=dict(resources.limits)
    )


def to_dict(resources: ContainerResources | Resources) -> dict[str, Any]:
    """The resources in the form of a pod manifest."""
    return {"requests": dict(resources.requests), "limits": dict(resources.limits)}
