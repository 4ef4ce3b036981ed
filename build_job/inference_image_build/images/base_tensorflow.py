"""Which TensorFlow a base image declares: in its labels, its environment, or its name. Pure."""

import re
from collections.abc import Mapping

from inference_image_contract import tensorflow_versions
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_KEYS = re.compile(r"(?:.*[._-])?(?:tensorflow|tf)(?:[._-]?version)?", re.IGNORECASE)
"""Names of labels and variables: TENSORFLOW_VERSION, TF_VERSION, com.example.tensorflow.version."""
_VALUE = re.compile(r"v?([12]\.\d{1,2})(?:\.\d+)?(?:[.+-].*)?")
_IN_NAME = re.compile(r"tensorflow[-_/:a-z]*?[-_/:]v?([12]\.\d{1,2})(?![\d])")
"""`…_tensorflow-1.7.0:v1.2`, `tensorflow/tensorflow:1.15.0-py3`, `tensorflow-serving:2.3`."""


def declared(name: str, config: Mapping[str, object]) -> str:
    """The version, such as `1.7`, from an image's configuration (OCI image-spec) or else its name; empty if unknown.

    `name` is the reference in FROM.
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


def check(base_version: str, input_type: str, readable_by: str, image: str, where: str) -> None:
    """Raises StageError (`GraphIncompatible`) when a base's TensorFlow is older than the exported graph needs.

    `readable_by`, if the user sets it, overrides what the image declares.
    """
    needed = tensorflow_versions.needed_by(input_type)
    if not base_version or readable_by or not tensorflow_versions.is_older(base_version, needed):
        return
    other = (
        ""
        if input_type == tensorflow_versions.IMAGE_TENSOR
        else f"set spec.export.inputType to image_tensor, which TensorFlow {tensorflow_versions.OLDEST} reads, or "
    )
    raise StageError(
        Reason.GRAPH_INCOMPATIBLE,
        f"{where} names {image}, which has TensorFlow {base_version}; the graph for inputType {input_type} needs "
        f"TensorFlow {needed} or later.",
        f"Use a base image with TensorFlow {needed} or later, {other}set spec.export.readableBy to the TensorFlow "
        f"version that the image really contains, {REQUEST_AGAIN}",
    )
