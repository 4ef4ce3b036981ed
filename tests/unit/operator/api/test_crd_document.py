"""The CRD as a document: every field has a description, and `kubectl get` shows the main columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from inference_image_operator import api

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def crd() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "crds" / "inferenceimages.uai.ucloud.cn.yaml").read_text())


@pytest.fixture(scope="module")
def version(crd: dict[str, Any]) -> dict[str, Any]:
    (only,) = crd["spec"]["versions"]
    return only


def test_names(crd: dict[str, Any], version: dict[str, Any]) -> None:
    spec = crd["spec"]
    assert (spec["group"], version["name"], spec["names"]["plural"]) == (api.GROUP, api.VERSION, api.PLURAL)
    assert (spec["names"]["kind"], spec["names"]["shortNames"]) == (api.KIND, ["infimg"])


def test_columns(version: dict[str, Any]) -> None:
    columns = [(column["name"], column.get("priority", 0)) for column in version["additionalPrinterColumns"]]
    assert columns == [("Ready", 0), ("Reason", 0), ("Step", 0), ("Image", 0), ("Age", 0), ("Digest", 1)]


def test_an_empty_status_has_observed_generation_minus_one(version: dict[str, Any]) -> None:
    assert version["subresources"] == {"status": {}}
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}


def test_every_field_is_explained(version: dict[str, Any]) -> None:
    schema = version["schema"]["openAPIV3Schema"]
    mute = [path for path, field in _fields(schema, "") if not field.get("description", "").endswith(".")]
    assert mute == [".metadata"]  # Kubernetes describes it and allows no other text


def test_every_rule_says_what_is_wrong(version: dict[str, Any]) -> None:
    rules = [rule for _, field in _fields(version["schema"], "") for rule in field.get("x-kubernetes-validations", [])]
    assert rules
    assert [rule for rule in rules if not rule.get("message")] == []


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _fields(field, f"{path}.{name}")
    if "openAPIV3Schema" in schema:
        yield from _fields(schema["openAPIV3Schema"], path)
    if "items" in schema:
        yield from _fields(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield f"{path}.*", schema["additionalProperties"]
