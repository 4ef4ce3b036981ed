"""Resources of a container: what the object asks for over what the installation gives, and room on the disk."""

from typing import Any

from inference_image_operator.api import Resources
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.installation import ContainerResources


def merge_resources(asked: Resources, default: ContainerResources) -> ContainerResources:
    """What the object asks for, filled up from a default.

    A default gives way where it would contradict what is asked for: a request never exceeds a limit.
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


def with_ephemeral_storage(resources: ContainerResources, size: int) -> ContainerResources:
    """The same resources with scratch space of `size` bytes requested, unless they name some already."""
    if "ephemeral-storage" in resources.requests:
        return resources
    return ContainerResources(
        requests=dict(resources.requests) | {"ephemeral-storage": str(size)}, limits=dict(resources.limits)
    )


def to_dict(resources: ContainerResources | Resources) -> dict[str, Any]:
    """Resources as a pod writes them."""
    return {"requests": dict(resources.requests), "limits": dict(resources.limits)}
