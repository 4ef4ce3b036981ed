"""What a tenant with every right in its namespace can send beside InferenceImages. Pure: the objects alone."""

from typing import Any

from inference_image_operator.api import API_VERSION, KIND
from inference_image_operator.jobs.job import LABEL_MANAGED_BY, LABEL_UID, MANAGED_BY

Object = dict[str, Any]
ENDS_OF_TIME = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
MESSAGES = (
    "[" * 200_000,
    '{"kind": ' * 50_000,
    "\x00\ufffd\u2028" * 1000,
    "{" + ",".join(f'"{number}": 1e999' for number in range(5000)) + "}",
    "error: " + "http://a/v2/" * 43 + "/blobs/a" + "." * 100_000,
    " " * 500_000,
    "9" * 100_000,
    "a.a." * 100_000,
    '{"kind": "Built", "digest": "sha256:' + "a" * 64 + '", "size": -1e400}',
    '"' + "\\ud800" * 20_000 + '"',
)
"""Termination messages. The kubelet limits them; the API server takes any from whoever may write a pod's status."""


def job(name: str, owner: Object, *, size: int = 0) -> Object:
    """A suspended Job that claims to be the operator's, for any owner, with `size` bytes that nobody needs."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "r.test/x", "env": waste(size)}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": {LABEL_MANAGED_BY: MANAGED_BY, LABEL_UID: owner["uid"], "uai.ucloud.cn/stage": "x" * 63},
            "annotations": {"uai.ucloud.cn/owner": "../..", "uai.ucloud.cn/attempt": "9" * 5000},
            "ownerReferences": [reference(API_VERSION, KIND, owner)],
        },
        "spec": {"suspend": True, "template": {"spec": pod}},
    }


def pod(name: str, job_uid: str, *, size: int = 0) -> Object:
    """A pod that claims to be of a Job."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {"batch.kubernetes.io/controller-uid": job_uid},
            "ownerReferences": [reference("batch/v1", "Job", {"name": "x", "uid": job_uid})],
        },
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [{"name": "main", "image": "r.test/x", "env": waste(size)}],
        },
    }


def waste(size: int) -> list[Object]:
    """Environment variables of this size: half of it one text, half of it as many entries as fit."""
    return [{"name": "X", "value": "x" * (size // 2)}, *({"name": "X"} for _ in range(size // 24))]


def reference(version: str, kind: str, owner: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "name": owner["name"], "uid": owner["uid"], "controller": True}


def event(name: str, about: Object, number: int, *, size: int = 500) -> Object:
    """A Warning that asks the operator for an early check, of a kind that it has not seen."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": about | {"fieldPath": f"spec.containers{{{number}}}"},
        "type": "Warning",
        "reason": ("FailedCreate", "Failed", "BackOff", "x" * 100)[number % 4],
        "message": MESSAGES[number % len(MESSAGES)][:size].ljust(size, "x"),
        "lastTimestamp": ENDS_OF_TIME[number % 2],
    }


def pod_status(containers: list[str], number: int) -> Object:
    """What a kubelet would never write."""
    message, time = MESSAGES[number % len(MESSAGES)], ENDS_OF_TIME[number % 2]
    ended = {"exitCode": number - 5, "reason": "x" * 1000, "message": message, "startedAt": time, "finishedAt": time}
    state = {"state": {"terminated": ended}, "lastState": {"terminated": ended}}
    known = [
        {"name": name, "image": "", "imageID": "", "ready": True, "restartCount": 2**31 - 1} for name in containers
    ]
    phase = ("Failed", "Succeeded", "Running", "x")[number % 4]
    condition = {"type": "DisruptionTarget", "status": "False", "message": message[:30_000]}
    return {
        "phase": phase,
        "message": message,
        "conditions": [condition],
        "containerStatuses": [one | state for one in known],
    }
