"""KServe's InferenceService as the target of a rollout: one with `spec.predictor.model`.

In KServe's CRD `spec.predictor.containers` is a list with one owner, so server-side apply of the image of a custom
predictor would take all containers over. `spec.predictor.model.image` is a field of its own. KServe puts it in place of
the image of the ServingRuntime.

Its `observedGeneration` is that of the Deployment or Knative Service behind it, which says nothing about the
InferenceService's. So what it says counts if Ready changed since the image is there, or with a Ready pod that runs it.

Source: config/crd and pkg/controller/v1beta1/inferenceservice of KServe 0.16.
"""

from datetime import datetime

from msgspec.structs import replace

from inference_image_operator.api.part import Part, read_leniently
from inference_image_operator.api.times import parse
from inference_image_operator.diagnosis import serving_pod
from inference_image_operator.kube.connection import Object
from inference_image_operator.observed import Target

_EXCEEDED = "ProgressDeadlineExceeded"
"""Reason of the Deployment behind it, which KServe repeats."""


class _Model(Part, frozen=True, kw_only=True):
    image: str = ""


class _Predictor(Part, frozen=True, kw_only=True):
    model: _Model | None = None


class _Spec(Part, frozen=True, kw_only=True):
    predictor: _Predictor = _Predictor()


class _Condition(Part, frozen=True, kw_only=True):
    type: str = ""
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""


class _Revisions(Part, frozen=True, kw_only=True):
    """Of Knative; both empty without it."""

    latest_created_revision: str = ""
    latest_ready_revision: str = ""


class _Components(Part, frozen=True, kw_only=True):
    predictor: _Revisions = _Revisions()


class _Failure(Part, frozen=True, kw_only=True):
    message: str = ""


class _ModelStatus(Part, frozen=True, kw_only=True):
    last_failure_info: _Failure = _Failure()


class _Status(Part, frozen=True, kw_only=True):
    conditions: tuple[_Condition, ...] = ()
    components: _Components = _Components()
    model_status: _ModelStatus = _ModelStatus()


class _Service(Part, frozen=True, kw_only=True):
    spec: _Spec = _Spec()
    status: _Status = _Status()


def read(target: Target, found: Object, _: str, since: datetime | None) -> Target:
    """Adds to the target what the InferenceService says, of the image that it has since that time."""
    service, _unreadable = read_leniently(_Service, found)
    model, status = service.spec.predictor.model, service.status
    ready = next((c for c in status.conditions if c.type == "Ready"), _Condition())
    revisions = status.components.predictor
    is_newest = revisions.latest_created_revision == revisions.latest_ready_revision
    changed = _time(ready.last_transition_time)
    is_ready = ready.status == "True" and is_newest
    return replace(
        target,
        image=model.image if model else None,
        lacks="has no spec.predictor.model, whose image is a field of its own. The containers of a custom predictor "
        "are one list with one owner, which the operator does not take.",
        is_available=is_ready and since is not None and changed is not None and changed > since,
        says_so=is_ready,
        progress=_progress(ready, is_newest=is_newest),
        is_stuck=ready.reason == _EXCEEDED and since is not None and changed is not None and changed >= since,
        said=serving_pod.short(ready.message or status.model_status.last_failure_info.message),
    )


def pods(found: Object) -> dict[str, str]:
    """The labels of the predictor's pods."""
    return {"component": "predictor", "serving.kserve.io/inferenceservice": found["metadata"]["name"]}


def _progress(ready: _Condition, *, is_newest: bool) -> str:
    reason = f" ({serving_pod.short(ready.reason)})" if ready.reason else ""
    return f"Ready is {serving_pod.short(ready.status)}{reason}" + ("" if is_newest else ", but of an older revision")


def _time(text: str) -> datetime | None:
    """The time of a condition; None if it has none that can be compared."""
    try:
        found = parse(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
