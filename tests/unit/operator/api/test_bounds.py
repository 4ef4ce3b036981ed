"""Every field of the spec is bounded, so that no object takes the memory of the others."""

from pathlib import Path
from typing import Any

import pytest
import yaml

CRD = yaml.safe_load((Path(__file__).parents[4] / "crds" / "inferenceimages.uai.ucloud.cn.yaml").read_text())
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
MOST_CHARACTERS = 640 << 10
KEY = 317
"""Longest key of a label or annotation: a DNS prefix, a slash and a name."""


def largest(schema: dict[str, Any], path: str = "spec") -> int:
    """Characters of the largest JSON that a schema accepts. Raises ValueError for a field without a bound."""
    if "enum" in schema:
        return max(len(str(value)) for value in schema["enum"])
    if schema.get("x-kubernetes-int-or-string") or schema.get("type") == "string":
        return _bound(schema, "maxLength", path)
    match schema.get("type"):
        case "integer" | "boolean":
            return 20
        case "array":
            return _bound(schema, "maxItems", path) * largest(schema["items"], f"{path}[]")
        case "object":
            found = sum(
                len(name) + largest(one, f"{path}.{name}") for name, one in schema.get("properties", {}).items()
            )
            if "additionalProperties" in schema:
                each = KEY + largest(schema["additionalProperties"], f"{path}{{}}")
                found += _bound(schema, "maxProperties", path) * each
            return found
    raise ValueError(f"{path} has no type, so it has no bound")


def _bound(schema: dict[str, Any], name: str, path: str) -> int:
    if name not in schema:
        raise ValueError(f"{path} has no {name}")
    found: int = schema[name]
    return found


def test_the_spec_has_a_largest_size() -> None:
    assert largest(SPEC) <= MOST_CHARACTERS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"x-kubernetes-preserve-unknown-fields": True},
    ],
)
def test_a_field_without_a_bound_is_found(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"has no (max|type)"):
        largest({"type": "object", "properties": {"new": schema}})
