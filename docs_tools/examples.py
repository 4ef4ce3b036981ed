"""Example values of the API's fields, from manifests that the project's tests validate."""

from collections.abc import Iterator
from typing import Any

import yaml

from docs_tools import ROOT
from docs_tools.markdown import blocks

MANIFESTS = [
    "examples/virtual-nodes/inferenceimage.yaml",
    "examples/tutorial/inferenceimage.yaml",
    "examples/object-detect/inferenceimage.yaml",
]
GUIDES = ["us3", "export", "build", "registries", "usage", "tutorial"]
"""Pages of docs/guides; their blocks of YAML hold a whole manifest, `spec` or parts of it."""


def examples(known: set[str]) -> dict[str, list[Any]]:
    """Path of a field, such as `spec.source.git.url`, -> its values. `known` are the fields of `spec`."""
    found: dict[str, list[Any]] = {}
    for document in _documents():
        spec = document.get("spec", document)
        if document.get("kind", "InferenceImage") == "InferenceImage" and spec.keys() <= known:
            for path, value in _values("spec", spec):
                found.setdefault(path, []).append(value)
    return found


def _documents() -> Iterator[dict[str, Any]]:
    for name in MANIFESTS:
        yield yaml.safe_load((ROOT / name).read_text("utf-8"))
    for name in GUIDES:
        for block in blocks((ROOT / "docs" / "guides" / f"{name}.md").read_text("utf-8"), "yaml"):
            document = yaml.safe_load(block)
            if isinstance(document, dict):
                yield document


def _values(path: str, value: object) -> Iterator[tuple[str, object]]:
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                yield from (found for found in _values(f"{path}[]", inner) if found[0] != f"{path}[]")
