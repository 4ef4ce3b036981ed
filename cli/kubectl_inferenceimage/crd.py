"""Checks a manifest against the CRD's structural schema, without an API server.

Only the API server checks the CRD's rules in CEL (`x-kubernetes-validations`).
"""

import functools
from pathlib import Path
from typing import Any

import jsonschema

from kubectl_inferenceimage import documents

CRD = Path(__file__).with_name("crd.yaml")
"""A link to `crds/` in the repository, a copy in an installed package."""
_MAX_TEXT = 300


def fault(manifest: object) -> str:
    """The first violation of the schema, as a clause that begins with the field; empty for a valid manifest."""
    errors = jsonschema.Draft7Validator(_schema()).iter_errors(manifest)
    first = min(errors, key=lambda error: ([str(part) for part in error.absolute_path], error.message), default=None)
    return _clause(first) if first else ""


@functools.cache
def version() -> dict[str, Any]:
    """The version of the API in the plugin's copy of the CRD."""
    (document,) = documents.parse(CRD.read_text(encoding="utf-8"))
    (found,) = document["spec"]["versions"]
    return dict(found)


@functools.cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = _closed(version()["schema"]["openAPIV3Schema"])
    return found


def _closed(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema in YAML
    """The schema without unknown fields, like the strict field validation that kubectl asks for."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _closed(value) for name, value in schema.items()}
    if isinstance(found.get("properties"), dict) and not found.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def _clause(error: jsonschema.ValidationError) -> str:
    field = ""
    for part in error.absolute_path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        unknown = sorted(str(name) for name in error.instance if name not in error.schema["properties"])  # type: ignore[union-attr]
        return f"{field or 'the manifest'}: unknown field {', '.join(unknown)}"
    text = error.message if len(error.message) <= _MAX_TEXT else f"{error.message[:_MAX_TEXT]}…"
    return f"{field or 'the manifest'}: {text}"
