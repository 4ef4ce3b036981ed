"""The pod of a trial: the image as the Test stage starts it, alone. Pure."""

from typing import Any

from msgspec.structs import replace

from inference_image_operator.api import API_VERSION, GROUP, KIND, BuiltStatus
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs.stages import test
from inference_image_operator.observed import Observed
from kubectl_inferenceimage.errors import CommandError

LABEL = f"{GROUP}/trial"
CONTAINER = "image"
_MOST_NAME = 40
"""Letters of the object's name in that of the pod; the API server adds five."""


def manifest(observed: Observed, config: Config, seconds: int) -> dict[str, Any]:
    """The pod. It has no Secret, no token and no container but the image, and ends after so many seconds at the latest.

    Raises CommandError if the object has published nothing.
    """
    published = observed.status.image
    if published is None:
        raise CommandError(f"{observed.name} has published no image yet.")
    status = replace(observed.status, built=BuiltStatus(digest=published.digest))
    spec = replace(observed.spec, test=replace(observed.spec.test, sample="", match_graph=False))
    pod = test.pod(replace(observed, spec=spec), status, config).spec
    (image,) = [found for found in pod.pop("initContainers") if found["name"] == CONTAINER]
    image = {name: value for name, value in image.items() if name != "restartPolicy"}
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": observed.name, "uid": observed.uid}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{observed.name[:_MOST_NAME].rstrip('-.')}-try-",
            "namespace": observed.namespace,
            "labels": {LABEL: "true"},  # not the labels of the operator, which takes pods that have them for its own
            "ownerReferences": [owner],
        },
        "spec": pod
        | {
            "containers": [image | {"image": published.reference}],
            "volumes": [],
            "activeDeadlineSeconds": seconds,
        },
    }
