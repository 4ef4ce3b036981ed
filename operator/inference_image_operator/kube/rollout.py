"""The target of `spec.rollout`: what a decision needs to know of it, and the one field that the operator applies."""

import re
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from inference_image_contract.reasons import Reason
from inference_image_operator.api import ROLLOUT_FROM, RolloutSpec, RolloutStatus
from inference_image_operator.api.times import parse
from inference_image_operator.config.installation import Config
from inference_image_operator.core import rollout
from inference_image_operator.core.decision import ApplyImage
from inference_image_operator.diagnosis import serving_pod
from inference_image_operator.kube.cluster import ROLLOUT_MANAGER, Cluster
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.kube.observe import MAX_SAID, read_pod
from inference_image_operator.observed import Observed, Refusal, Target

_MAX_IMAGE = 1024
_SHOWN = 5
"""Containers that a message names."""
_OWNED_BY = re.compile(r'conflicts? with "([^"]{1,128})')
_EXCEEDED = "ProgressDeadlineExceeded"
_DOCS = "docs/guides/rollout.md"


async def with_target(cluster: Cluster, config: Config, observed: Observed) -> Observed:
    """The observation with the target of the rollout, if this decision needs it."""
    spec = observed.spec.rollout
    if spec is None or not rollout.needs_target(observed, config):
        return observed
    try:
        found = await cluster.get_target(spec.kind, observed.namespace, spec.name)
    except ApiError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return replace(observed, target_refusal=Refusal(reason=Reason.FORBIDDEN, message=error.message))
    if found is None:
        return replace(observed, target_read=True)
    target = _target(found, spec, observed.status.rollout)
    if spec.deployment and target.image and not target.is_available:
        target = replace(target, said=await _said(cluster, observed, found, spec))
    return replace(observed, target_read=True, target=target)


def body(namespace: str, apply: ApplyImage) -> Object:
    """What the operator applies: the one field, of the target as it was read."""
    metadata = {
        "name": apply.name,
        "namespace": namespace,
        "uid": apply.uid,
        "resourceVersion": apply.resource_version,
    }
    if apply.kind == "ConfigMap":
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {apply.field: apply.image}}
    containers = [{"name": apply.field, "image": apply.image}]
    spec = {"template": {"spec": {"containers": containers}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def refusal(apply: ApplyImage, error: ApiError) -> Refusal | None:
    """Why the API server refused to apply the image; None for an error that passes by itself."""
    what = f"{apply.kind}/{apply.name}"
    owners = list(dict.fromkeys(_OWNED_BY.findall(error.message)))
    if error.status == HTTPStatus.CONFLICT and owners:
        names = f"managers {', '.join(owners[:_SHOWN])} own" if len(owners) > 1 else f"manager {owners[0]} owns"
        return Refusal(
            reason=Reason.ROLLOUT_CONFLICT,
            message=f"The field {names} the image of {what} ({apply.field}), and the operator does not take it. Leave "
            f"the field to the operator as {_DOCS} shows, or use spec.rollout.configMap.",
        )
    final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
    if error.status not in final:
        return None
    message = f"The API server refuses the image of {what}: {error.message}"[:MAX_SAID]
    return Refusal(reason=Reason.ROLLOUT_REFUSED, message=message)


def _target(found: Object, spec: RolloutSpec, state: RolloutStatus | None) -> Target:
    meta = found["metadata"]
    target = Target(
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        agrees_with=meta.get("annotations", {}).get(ROLLOUT_FROM, ""),
        owned=any(_is_ours(entry) for entry in meta.get("managedFields", [])),
    )
    if spec.deployment is None:
        return replace(target, image=_short(found.get("data", {}).get(spec.field, "")))
    containers = {c["name"]: c.get("image", "") for c in found["spec"]["template"]["spec"]["containers"]}
    status = found.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    progressing = conditions.get("Progressing", {})
    return replace(
        target,
        image=_short(containers[spec.field]) if spec.field in containers else None,
        containers=tuple(containers)[:_SHOWN],
        is_current=status.get("observedGeneration", 0) >= meta.get("generation", 0),
        wanted=found["spec"].get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        exceeds_deadline=progressing.get("reason") == _EXCEEDED and _is_since(progressing, state),
    )


def _is_since(condition: Object, state: RolloutStatus | None) -> bool:
    """Whether the condition is of this rollout: that of an image before may stay until the new pods progress."""
    return state is not None and parse(condition["lastTransitionTime"]) >= state.start_time


def _is_ours(entry: Object) -> bool:
    return (entry.get("manager"), entry.get("operation")) == (ROLLOUT_MANAGER, "Apply")


def _short(image: str) -> str:
    """The image as the status keeps it. Nobody can pull one with a longer name."""
    return image[:_MAX_IMAGE]


async def _said(cluster: Cluster, observed: Observed, found: Object, spec: RolloutSpec) -> str:
    """What the newest pod with the new image says, or why there is none."""
    image = observed.status.rollout.image if observed.status.rollout else ""
    labels = found["spec"].get("selector", {}).get("matchLabels", {})
    if labels:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        pods = await cluster.list_pods(observed.namespace, selector)
        new = [read_pod(pod) for pod in pods if _image_of(pod, spec.field) == image]
        if new:
            return serving_pod.said(max(new, key=lambda pod: pod.created))
    conditions = found.get("status", {}).get("conditions", [])
    return next((str(c.get("message", ""))[:MAX_SAID] for c in conditions if c["type"] == "ReplicaFailure"), "")


def _image_of(pod: dict[str, Any], container: str) -> str:
    containers = pod["spec"].get("containers", [])
    return next((str(c.get("image", "")) for c in containers if c.get("name") == container), "")
