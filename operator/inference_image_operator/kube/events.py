"""Events of an InferenceImage. Their names are deterministic, so that a repeated Event is stored once."""

from datetime import datetime
from typing import Any

from inference_image_operator.api import API_VERSION, KIND
from inference_image_operator.api.names import event_name
from inference_image_operator.api.times import rfc3339
from inference_image_operator.core.decision import Emit
from inference_image_operator.observed import Observed

COMPONENT = "inference-image-operator"
MAX_MESSAGE = 1024


def event(observed: Observed, emit: Emit, now: datetime) -> dict[str, Any]:
    """The manifest of an Event. Its name covers run, attempt and text, so a repeated reconcile adds no Event."""
    status = observed.status
    run, stage = status.run, status.stage
    name = event_name(
        observed.name,
        observed.uid,
        run.generation if run else 0,
        status.last_handled_request,
        stage.job if stage else "",
        emit.reason.value,
        emit.message,
    )
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": observed.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": observed.name,
            "namespace": observed.namespace,
            "uid": observed.uid,
        },
        "type": emit.type,
        "reason": emit.reason.value,
        "message": emit.message if len(emit.message) <= MAX_MESSAGE else emit.message[: MAX_MESSAGE - 1] + "…",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
        "action": emit.reason.value,
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
    }
