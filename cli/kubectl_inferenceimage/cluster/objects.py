"""What several subcommands read of an object. Pure."""

import msgspec

from inference_image_operator.api import Spec, Status, read, read_status
from inference_image_operator.observed import Observed
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.errors import CommandError


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
    meta, (spec, status) = image["metadata"], spec_and_status(image)
    return Observed(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        spec=spec,
        status=status,
    )
