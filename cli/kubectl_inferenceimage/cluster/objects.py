"""What several subcommands read of an object. Pure."""

import msgspec

from inference_image_operator.api import GROUP, Spec, Status, read, read_status
from inference_image_operator.observed import Observed, observation
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.errors import CommandError

STAGE = f"{GROUP}/stage"
"""Label of Jobs and pods: the stage."""
ATTEMPT = f"{GROUP}/attempt"
"""Annotation of Jobs."""
JOB = "batch.kubernetes.io/job-name"
"""Label of pods: their Job."""


def label(found: Object, key: str) -> str:
    """A label of any object; empty without it."""
    value: str = found["metadata"].get("labels", {}).get(key, "")
    return value


def containers(pod: Object) -> list[Object]:
    """The containers of a pod's spec, init containers first."""
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def container_statuses(pod: Object) -> list[Object]:
    """What a pod's status says of its containers, init containers first."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def conditions(found: Object) -> dict[str, Object]:
    """The conditions of any object, by type."""
    return {condition["type"]: condition for condition in found.get("status", {}).get("conditions") or []}


def spec_and_status(image: Object) -> tuple[Spec, Status]:
    """Spec and status of an InferenceImage, typed. Raises CommandError for those of another version."""
    try:
        return read(Spec, image["spec"]), read_status(image.get("status", {}))[0]
    except msgspec.ValidationError as error:
        raise CommandError(f"The object does not fit this version of the plugin: {error}.") from error


def observed(image: Object) -> Observed:
    """What the operator would know of an InferenceImage without its Jobs. Raises CommandError as `spec_and_status`."""
    return observation(image["metadata"], *spec_and_status(image))
