"""The Job of a stage's pod: name, labels, owner, deadline and failure policy."""

from typing import Any

from inference_image_operator.api import API_VERSION, GROUP, KIND, parse_duration
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.pod import StagePod, template_metadata
from inference_image_operator.observed import Frozen, Observed

MANAGED_BY = "inference-image-operator"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_OWNER = f"{GROUP}/inferenceimage"
LABEL_UID = f"{GROUP}/uid"
LABEL_STAGE = f"{GROUP}/stage"
LABEL_QUEUE = "kueue.x-k8s.io/queue-name"
"""Kueue suspends a Job with this label until the queue admits it. Without Kueue the label has no effect."""
ANNOTATION_CONTENT = f"{GROUP}/content"
ANNOTATION_ATTEMPT = f"{GROUP}/attempt"
ANNOTATION_OWNER = f"{GROUP}/owner"

_DAY = 24 * 3600
_MAX_LABEL = 63


class JobLabel(Frozen, frozen=True, kw_only=True):
    """What a Job says about itself."""

    stage: str
    """The name of the stage, or `Poll`."""
    name: str
    content: str
    """Hash of the inputs."""
    attempt: int


def job(observed: Observed, label: JobLabel, pod: StagePod, config: Config) -> dict[str, Any]:
    """The manifest. `backoffLimit` is 0: the operator creates a new Job for every further attempt.

    A disruption (eviction, drain, preemption) is not a failure: the Job controller replaces the pod. The TTL is at
    least a day, so that a lost status can be rebuilt from the Jobs.
    """
    labels = {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_OWNER: observed.name[:_MAX_LABEL].rstrip("-."),
        LABEL_UID: observed.uid,
        LABEL_STAGE: label.stage,
    }
    queue = observed.spec.scheduling.queue_name
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": label.name,
            "namespace": observed.namespace,
            "labels": labels | ({LABEL_QUEUE: queue} if queue else {}),
            "annotations": {
                ANNOTATION_OWNER: observed.name,
                ANNOTATION_CONTENT: label.content,
                ANNOTATION_ATTEMPT: str(label.attempt),
            },
            "ownerReferences": [
                {
                    "apiVersion": API_VERSION,
                    "kind": KIND,
                    "name": observed.name,
                    "uid": observed.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": pod.deadline_seconds,
            "ttlSecondsAfterFinished": max(_DAY, parse_duration(observed.spec.ttl_after_finished)),
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {"metadata": template_metadata(observed.spec, config, labels), "spec": pod.spec},
        },
    }
