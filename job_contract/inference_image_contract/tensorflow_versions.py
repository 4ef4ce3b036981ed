"""TensorFlow versions as `major.minor`: `1.7`, `1.15`, `2.21`. Patch releases read the same graphs."""

import re

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

IMAGE_TENSOR = "image_tensor"
OLDEST = "1.7"
"""The oldest release that an exported graph supports."""
_NEEDED = {IMAGE_TENSOR: OLDEST, "encoded_image_string_tensor": "2.3", "tf_example": "2.3"}
"""Input type -> the first release that has the ops of its exported graph: DecodeImage came with 2.3."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


def number(version: str) -> tuple[int, int]:
    """(1, 15) of `1.15` or `1.15.5`, for comparison.

    Raises ValueError when it is not a version.
    """
    found = _VERSION.match(version)
    if found is None:
        raise ValueError(f"{version!r} is not a version of TensorFlow")
    return int(found[1]), int(found[2])


def short(version: str) -> str:
    """`2.21` of `2.21.0`."""
    return ".".join(map(str, number(version)))


def is_older(version: str, than: str) -> bool:
    """Whether `version` came before `than`."""
    return number(version) < number(than)


def needed_by(input_type: str) -> str:
    """The oldest release that reads the graph exported for an input type; an estimate before the export."""
    return _NEEDED[input_type]


def check_demand(demanded: str, readable_by: str, because: str = "") -> None:
    """Checks that the release `demanded` (empty for any) reads a graph that needs `readable_by` or later.

    `because` is a clause that says why. Raises StageError (`GraphIncompatible`).
    """
    if not demanded or not is_older(demanded, readable_by):
        return
    raise StageError(
        Reason.GRAPH_INCOMPATIBLE,
        f"TensorFlow {demanded} cannot read this graph, TensorFlow {readable_by} can{because and f': {because}'}.",
        f"Serve with TensorFlow {readable_by} or later and set spec.export.readableBy to that version, or remove the "
        "field. With spec.export.inputType: image_tensor, the graph needs no op that decodes files (DecodeImage, "
        "ParseExampleV2).",
    )
