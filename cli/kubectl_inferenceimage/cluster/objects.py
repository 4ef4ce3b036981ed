"""What several subcommands read of an object. Pure."""

import msgspec

from inference_image_operator.api import Spec, Status, read, read_status
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
