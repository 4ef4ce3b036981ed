"""The target of `spec.rollout`: what a decision needs to know of it, and the one field that the operator applies."""

import re
from http import HTTPStatus

from msgspec.structs import replace

from inference_image_contract.hints import explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import ROLLOUT_FROM, RolloutSpec, RolloutStatus
from inference_image_operator.config.installation import Config
from inference_image_operator.core import rollout
from inference_image_operator.core.decision import ApplyImage
from inference_image_operator.diagnosis import serving_pod
from inference_image_operator.kube.cluster import ROLLOUT_MANAGER, Cluster
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.kube.observe import MAX_SAID, is_true, read_pod
from inference_image_operator.kube.targets import TARGETS
from inference_image_operator.observed import Observed, Refusal, Target

_MAX_IMAGE = 1024
_SHOWN = 5
"""Field managers that a message names."""
_OWNED_BY = re.compile(r'conflicts? with "([^"]{1,128})')
_WHOLE_SPEC = re.compile(r"\.spec$", re.MULTILINE)
"""In a conflict: the whole spec is one field, as in KServe's minimal CRD."""
_DOCS = "docs/guides/rollout.md"


async def with_target(cluster: Cluster, config: Config, observed: Observed) -> Observed:
    """The observation with the target of the rollout, if this decision needs it."""
    spec = observed.spec.rollout
    if spec is None or not rollout.needs_target(observed, config):
        return observed
    try:
        found = await cluster.get_target(spec.kind, observed.namespace, spec.name)
    except ApiError as error:
        if refused := _unreadable(spec, error):
            return replace(observed, target_refusal=refused)
        raise
    if found is None:
        return replace(observed, target_read=True)
    target = _target(found, spec, observed.status.rollout)
    labels = TARGETS[spec.kind].pods(found)
    if labels and target.image and not target.is_available:
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        target = _with_pods(target, await cluster.list_pods(observed.namespace, selector), observed.status.rollout)
    return replace(observed, target_read=True, target=target)


def _unreadable(spec: RolloutSpec, error: ApiError) -> Refusal | None:
    """Why the target cannot be read; None for an error that passes by itself."""
    if error.status == HTTPStatus.FORBIDDEN:
        return Refusal(reason=Reason.FORBIDDEN, message=error.message)
    if error.status == HTTPStatus.NOT_FOUND:
        kind = TARGETS[spec.kind]
        text = f"The API server serves no {kind.plural} of {kind.api_version}"
        message = explanation(text, "Install KServe, or hand the image to another kind in spec.rollout.")
        return Refusal(reason=Reason.ROLLOUT_KIND_NOT_SERVED, message=message)
    return None


def body(namespace: str, apply: ApplyImage) -> Object:
    """What the operator applies: the one field, of the target as it was read."""
    metadata = {
        "name": apply.name,
        "namespace": namespace,
        "uid": apply.uid,
        "resourceVersion": apply.resource_version,
    }
    kind = TARGETS[apply.kind]
    head = {"apiVersion": kind.api_version, "kind": apply.kind, "metadata": metadata}
    return head | kind.applied(apply.field, apply.image)


def refusal(apply: ApplyImage, error: ApiError) -> Refusal | None:
    """Why the API server refused to apply the image; None for an error that passes by itself."""
    what = f"{apply.kind}/{apply.name}"
    owners = list(dict.fromkeys(_OWNED_BY.findall(error.message)))
    if error.status == HTTPStatus.CONFLICT and owners:
        names = f"managers {', '.join(owners[:_SHOWN])} own" if len(owners) > 1 else f"manager {owners[0]} owns"
        owned = f"the image of {what} ({apply.field}), and the operator does not take it"
        remedy = f"Leave the field to the operator as {_DOCS} shows"
        if _WHOLE_SPEC.search(error.message):
            owned = (
                f"the whole spec of {what}: it is one field in KServe's minimal CRD, and the operator does not take it"
            )
            remedy = "Install KServe's full CRD"
        return Refusal(
            reason=Reason.ROLLOUT_CONFLICT,
            message=f"The field {names} {owned}. {remedy}, or use spec.rollout.configMap.",
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
    target = TARGETS[spec.kind].read(target, found, spec.field, state.start_time if state else None)
    return replace(target, image=_short(target.image)) if target.image else target


def _is_ours(entry: Object) -> bool:
    return (entry.get("manager"), entry.get("operation")) == (ROLLOUT_MANAGER, "Apply")


def _short(image: str) -> str:
    """The image as the status keeps it. Nobody can pull one with a longer name."""
    return image[:_MAX_IMAGE]


def _with_pods(target: Target, pods: list[Object], state: RolloutStatus | None) -> Target:
    """Adds what the pods with the image of the rollout show."""
    new = [
        pod for pod in pods if state and any(c.get("image") == state.image for c in pod["spec"].get("containers", []))
    ]
    if not new:
        return target
    said = serving_pod.said(max(map(read_pod, new), key=lambda pod: pod.created))
    return replace(target, is_available=target.says_so and any(is_true(pod, "Ready") for pod in new), said=said)
