"""The states of an InferenceImage that the tests of `watch` show."""

import copy
from datetime import UTC, datetime
from typing import Any

from inference_image_operator.api.stages import Stage
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, merge

Object = dict[str, Any]
PATH = f"{IMAGES}/detector"
START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
BEFORE = {Stage.RESOLVE: 5.0, Stage.EXPORT: 60.0, Stage.BUILD: 120.0, Stage.TEST: 20.0, Stage.PUBLISH: 4.0}


def condition(kind: str, status: str, reason: str, message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def image(*conditions: Object, version: str = "1", **status: Any) -> Object:
    return {
        "metadata": {
            "namespace": NAMESPACE, "name": "detector", "uid": "1", "generation": 1, "resourceVersion": version,
        },
        "spec": {},
        "status": {"observedGeneration": 1, "run": {}, "conditions": list(conditions)} | status,
    }  # fmt: skip


def claim(stage: Stage, attempt: int = 1) -> Object:
    return {"name": stage.value, "startTime": "2026-01-31T09:30:00Z", "attempt": attempt, "job": "j"}


RESOLVING = image(
    condition("Ready", "Unknown", "Resolving", "Resolving in Job j"),
    condition("Resolved", "Unknown", "Resolving"),
    stage=claim(Stage.RESOLVE),
)
BUILDING = image(
    condition("Ready", "Unknown", "Building", "Building in Job j\x1b[2J"),
    condition("Resolved", "True", "Resolved"),
    condition("Exported", "True", "Reused"),
    condition("Built", "Unknown", "Building"),
    version="2",
    stage=claim(Stage.BUILD, 2),
    timings={"resolve": "5s", "export": "Reused"},
)
READY = image(
    condition("Ready", "True", "Published", "Published it."),
    condition("Resolved", "True", "Resolved"),
    condition("Exported", "True", "Reused"),
    condition("Built", "True", "Built"),
    condition("Tested", "True", "Answered"),
    condition("Published", "True", "Published"),
    version="3",
    timings={"resolve": "5s", "export": "Reused", "build": "1m5s", "test": "9s", "publish": "2s"},
)


def changed(found: Object, **changes: Any) -> Object:
    found = copy.deepcopy(found)
    merge(found, changes)
    return found


def modified(found: Object) -> Object:
    return {"type": "MODIFIED", "object": found}
