"""The kinds of targets of `spec.rollout`: where they are, the field that is applied, what they say of themselves."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from inference_image_operator.api.rollout import Kind
from inference_image_operator.api.times import parse
from inference_image_operator.diagnosis import serving_pod
from inference_image_operator.kube import kserve
from inference_image_operator.kube.connection import Object
from inference_image_operator.observed import Target

_SHOWN = 5
"""Containers that a message names."""
_EXCEEDED = "ProgressDeadlineExceeded"


class TargetKind(NamedTuple):
    """What differs between the kinds."""

    api_version: str
    plural: str
    applied: Callable[[str, str], Object]
    """What is applied beside the metadata: the field and its image."""
    read: Callable[[Target, Object, str, datetime | None], Target]
    """Adds to the target what the object says. Gets the field, and since when the target has its image."""
    pods: Callable[[Object], dict[str, str]] = lambda _: {}
    """The labels of the pods that run the image."""


def _deployment(target: Target, found: Object, container: str, since: datetime | None) -> Target:
    """All replicas have to be of the newest template and available, as `kubectl rollout status` defines it."""
    containers = {c["name"]: c.get("image", "") for c in found["spec"]["template"]["spec"]["containers"]}
    status = found.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    progressing = conditions.get("Progressing", {})
    exceeded = progressing.get("reason") == _EXCEEDED
    is_current = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
    wanted = found["spec"].get("replicas", 1)
    total, updated, available = (status.get(f"{name}eplicas", 0) for name in ("r", "updatedR", "availableR"))
    return replace(
        target,
        image=containers.get(container),
        lacks=f"has no container {container}; it has {', '.join([*containers][:_SHOWN])}.",
        is_available=is_current and updated >= wanted and total <= updated <= available,
        progress=f"{updated} of {wanted} replicas are new, {available} available",
        # the condition of an image before may stay until the new pods progress
        is_stuck=is_current and exceeded and since is not None and parse(progressing["lastTransitionTime"]) >= since,
        said=serving_pod.short(conditions.get("ReplicaFailure", {}).get("message", "")),
    )


def _config_map(target: Target, found: Object, key: str, _: datetime | None) -> Target:
    return replace(target, image=found.get("data", {}).get(key, ""))


TARGETS: dict[Kind, TargetKind] = {
    "Deployment": TargetKind(
        "apps/v1",
        "deployments",
        lambda name, image: {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}},
        _deployment,
        lambda found: found["spec"].get("selector", {}).get("matchLabels", {}),
    ),
    "InferenceService": TargetKind(
        "serving.kserve.io/v1beta1",
        "inferenceservices",
        lambda _, image: {"spec": {"predictor": {"model": {"image": image}}}},
        kserve.read,
        kserve.pods,
    ),
    "ConfigMap": TargetKind("v1", "configmaps", lambda key, image: {"data": {key: image}}, _config_map),
}
