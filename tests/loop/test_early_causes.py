"""Why a pod waits is told within 5 s, through Warning Events; an object that does well costs no request more."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from tests.loop.pipeline import Pipeline

SOON = 5
"""Seconds."""
MISSING = 'secret "ufile" not found'


def warn(api, pod: dict, reason: str, message: str, **about: str) -> None:
    """What the kubelet or the scheduler writes."""
    meta, now = pod["metadata"], rfc3339(datetime.now(UTC))
    path = f"/api/v1/namespaces/{meta['namespace']}/events"
    named = {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"], **about}
    body = {"metadata": {"generateName": "warning-"}, "involvedObject": named, "type": "Warning", "reason": reason}
    api.request("POST", path, body | {"message": message, "firstTimestamp": now, "lastTimestamp": now, "count": 1})


@pytest.mark.parametrize(
    ("reason", "said", "path"),
    [("FailedMount", f'MountVolume.SetUp failed for volume "registry": {MISSING}', ""),
     ("Failed", f"Error: {MISSING}", "spec.containers{resolve}")],
)  # fmt: skip
def test_a_missing_secret_is_told_soon(pipeline, api, reason, said, path):
    pipeline.apply()
    pod = pipeline.pod(pipeline.claimed(Stage.RESOLVE))
    warn(api, pod, reason, said, fieldPath=path)
    pipeline.until_condition("Ready", "False", "SecretNotFound", seconds=SOON)
    assert "Create the Secret ufile" in json.dumps(pipeline.image["status"]["conditions"])
    pipeline.finish(Stage.RESOLVE)
    pipeline.claimed(Stage.EXPORT)
    assert pipeline.conditions["Ready"] == ("Unknown", "Exporting")


def test_an_unschedulable_pod_is_told_soon(pipeline, api):
    pipeline.apply()
    pod = pipeline.pod(pipeline.claimed(Stage.RESOLVE))
    words = "0/1 nodes are available: 1 Insufficient memory."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    path = f"/api/v1/namespaces/{pipeline.namespace}/pods/{pod['metadata']['name']}/status"
    api.merge(path, {"status": {"conditions": [condition]}})
    warn(api, pod, "FailedScheduling", words)
    pipeline.until_condition("Ready", "False", "Unschedulable", seconds=SOON)


def test_causes_are_told_soon_after_a_restart_too(pipeline, operator, api):
    pipeline.apply()
    pod = pipeline.pod(pipeline.claimed(Stage.RESOLVE))
    operator.kill()
    operator.start()
    other = Pipeline(api, pipeline.namespace, operator, "other")
    other.apply()
    other.claimed(Stage.RESOLVE)
    pipeline.until("the restarted operator has seen the Job", lambda: pipeline.image["status"]["stage"].get("jobUID"))
    warn(api, pod, "FailedMount", MISSING)
    pipeline.until_condition("Ready", "False", "SecretNotFound", seconds=SOON)


def reads(plane, user: str) -> Counter[str]:
    """The operator's reads so far, by verb and resource, from the API server's audit log."""
    found: Counter[str] = Counter()
    for line in plane.audit_log.read_text().splitlines():
        if user in line:
            event = json.loads(line)
            if event["user"]["username"] == user and event["verb"] in ("get", "list", "watch"):
                named = " by name" if "fieldSelector=metadata.name" in event["requestURI"] else ""
                found[f"{event['verb']} {event.get('objectRef', {}).get('resource', '')}{named}"] += 1
    return found


def test_an_object_that_does_well_is_read_twice_at_most_and_its_pods_and_events_never(pipeline, plane, operator):
    pipeline.apply()
    pipeline.run_whole()
    found = reads(plane, operator.user)
    assert found["list pods"] == 1  # the start of a watch, with limit=1
    assert found["list events"] == 1
    assert found["get inferenceimages"] <= 2, "the operator reads what it wrote itself"
    assert found["list jobs"] <= 4, "the operator lists all Jobs of the namespace"  # two of them for the watch
