"""Which TensorFlow a base image says that it has: by its labels, its environment, or its name. Pure."""

import re
from collections.abc import Mapping

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_contract import tensorflow_versions
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_KEYS = re.compile(r"(?:.*[._-])?(?:tensorflow|tf)(?:[._-]?version)?", re.IGNORECASE)
"""Names of labels and variables: TENSORFLOW_VERSION, TF_VERSION, com.example.tensorflow.version."""
_VALUE = re.compile(r"v?([12]\.\d{1,2})(?:\.\d+)?(?:[.+-].*)?")
_IN_NAME = re.compile(r"tensorflow[-_/:a-z]*?[-_/:]v?([12]\.\d{1,2})(?![\d])")
"""`…_tensorflow-1.7.0:v1.2`, `tensorflow/tensorflow:1.15.0-py3`, `tensorflow-serving:2.3`."""


def told(name: str, config: Mapping[str, object]) -> str:
    """The version, such as `1.7`, that an image's configuration (OCI image-spec) or else its name tells; empty if none.

    `name` is the reference as FROM has it.
    """
    settings = config.get("config")
    pairs = _pairs(settings) if isinstance(settings, dict) else []
    for key, value in pairs:
        if _KEYS.fullmatch(key) and (found := _VALUE.fullmatch(value.strip())):
            return found[1]
    in_name = _IN_NAME.search(name.lower())
    return in_name[1] if in_name else ""


def _pairs(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    """Labels, then variables of the environment."""
    labels, variables = settings.get("Labels"), settings.get("Env")
    found = [(str(key), str(value)) for key, value in labels.items()] if isinstance(labels, dict) else []
    lines = [str(line).partition("=") for line in variables] if isinstance(variables, list) else []
    return found + [(key, value) for key, _, value in lines]


def check(told_by_base: str, input_type: str, readable_by: str, image: str, where: str) -> None:
    """Raises StageError (`GraphIncompatible`) when a base's TensorFlow is older than the exported graph will need.

    A person who says what must read the graph (`readable_by`) knows better than the name of an image.
    """
    needed = tensorflow_versions.needed_by(input_type)
    if not told_by_base or readable_by or not tensorflow_versions.is_older(told_by_base, needed):
        return
    other = (
        ""
        if input_type == tensorflow_versions.IMAGE_TENSOR
        else f"set spec.export.inputType to image_tensor, which TensorFlow {tensorflow_versions.OLDEST} reads, or "
    )
    raise StageError(
        Reason.GRAPH_INCOMPATIBLE,
        f"{where} names {image}, which has TensorFlow {told_by_base}; the graph for inputType {input_type} needs "
        f"TensorFlow {needed} or later.",
        f"Use a base image with TensorFlow {needed} or later, {other}set spec.export.readableBy to the TensorFlow that "
        f"really is in the image, {REQUEST_AGAIN}",
    )
