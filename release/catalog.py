"""The images of a release: the repository of each, and the value of the chart that names it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from release.devtools import IMAGES, Image
from release.errors import ReleaseError

REPOSITORIES = {
    "operator": "inference-operator",
    "export": "inference-export",
    "export-onnx": "inference-export-onnx",
    "build": "inference-build",
    "kaniko": "kaniko",
    "inference-base": "inference-base",
    "inference-base-onnx": "inference-base-onnx",
}
"""Name of an image -> its repository below REGISTRY."""
VALUES = {
    "operator": ("images", "operator"),
    "export": ("images", "export"),
    "export-onnx": ("images", "exportOnnx"),
    "build": ("images", "build"),
    "kaniko": ("images", "kaniko"),
    "inference-base": ("config", "sources", "inferenceBase"),
}
"""Name of an image -> the value of the chart. inference-base-onnx has no value: Dockerfiles name it in FROM."""

_ONNX_BASE = re.compile(rf"^# (\S+/{REPOSITORIES['inference-base-onnx']}[:@]\S+)$", re.MULTILINE)
_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")
_REGISTRY = re.compile(rf"(?P<host>{_HOST})(?:/{_PART})*")


def chosen(names: Sequence[str]) -> list[Image]:
    """The images with these names, all without names. Raises ReleaseError for an unknown name."""
    unknown = [name for name in names if name not in REPOSITORIES]
    if unknown:
        raise ReleaseError(f"There is no image {', '.join(unknown)}. There are: {', '.join(REPOSITORIES)}.")
    wanted = names or REPOSITORIES
    by_name = {image.name: image for image in IMAGES}
    return [by_name[name] for name in wanted]


def check_registry(registry: str) -> str:
    """The registry without a slash at its end. Raises ReleaseError unless it is host[:port][/path]."""
    if not registry:
        raise ReleaseError(
            "The registry is missing. Write REGISTRY=host/path, as in REGISTRY=registry.example.com/team."
        )
    stripped = registry.rstrip("/")
    found = _REGISTRY.fullmatch(stripped)
    # Builders read a first part without a dot or a port as a path on their default registry.
    if not found or not (set(found["host"]) & {".", ":"} or found["host"] == "localhost"):
        raise ReleaseError(
            f"REGISTRY={registry} is not host[:port]/path in lower case, without https:// and without a tag."
        )
    return stripped


def require_pinned(base_image: str) -> None:
    """Raises ReleaseError unless the base is named by digest or is a layout: a tag moves between two builds."""
    if not base_image.startswith("oci:") and not _PINNED.search(base_image):
        raise ReleaseError(
            "The images of a release need a base that cannot change. Write BASE_IMAGE=python@sha256:... or "
            "BASE_IMAGE=oci:FOLDER; docs/releasing.md shows how to find the digest."
        )


def tagged(registry: str, name: str, version: str) -> str:
    """The reference of an image by its version."""
    return f"{registry}/{REPOSITORIES[name]}:{version}"


def by_digest(registry: str, name: str, digest: str) -> str:
    """The reference of an image by its digest."""
    return f"{registry}/{REPOSITORIES[name]}@{digest}"


def values(references: Mapping[str, str]) -> dict[str, Any]:
    """The values of the chart that name these images (name -> reference)."""
    document: dict[str, Any] = {}
    for name, (*parents, last) in VALUES.items():
        if name in references:
            place = document
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = references[name]
    return document


def values_text(references: Mapping[str, str]) -> str:
    """The content of values.yaml, which `make images` writes for the chart."""
    text = (
        "# The images of one build, for helm --values. Each build overwrites this file: keep other values elsewhere.\n"
    )
    text += yaml.safe_dump(values(references), sort_keys=False, width=200)
    onnx = references.get("inference-base-onnx")
    return text + (
        f"# The base for images that run model.onnx; a Dockerfile names it in FROM:\n# {onnx}\n" if onnx else ""
    )


def references(text: str) -> dict[str, str]:
    """The opposite of `values_text`: name -> reference, of the images that such a file names."""
    document = yaml.safe_load(text) or {}
    found = {}
    for name, path in VALUES.items():
        place: Any = document
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if place:
            found[name] = place
    if onnx := _ONNX_BASE.search(text):
        found["inference-base-onnx"] = onnx[1]
    return found


def list_text(references: Mapping[str, str]) -> str:
    """The content of images.txt: every image of a release, one a line."""
    return "".join(f"{reference}\n" for reference in references.values())
