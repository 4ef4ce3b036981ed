"""An object of a simulated cluster, as the API server gives it."""

import copy
from datetime import datetime
from typing import Any

from inference_image_operator.api import API_VERSION, KIND, REQUESTED_AT, write
from inference_image_operator.api.times import rfc3339
from tests.support.world import START, World


def document(world: World, namespace: str, name: str, created: datetime = START) -> dict[str, Any]:
    """The InferenceImage of this world, under a name."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": world.uid,
            "generation": world.generation,
            "resourceVersion": "1",
            "creationTimestamp": rfc3339(created),
            "annotations": {REQUESTED_AT: world.request} if world.request else {},
        },
        "spec": copy.deepcopy(world.spec),
        "status": write(world.status),
    }
