"""The table of what a changed field makes again; test_foresee has what follows from it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inference_image_operator.core import reach

CRD = Path(__file__).parents[4] / "crds" / "inferenceimages.uai.ucloud.cn.yaml"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """The schema of spec."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


@pytest.mark.parametrize("path", reach._FIELDS)
def test_every_path_of_the_table_is_a_field(spec: dict[str, Any], path: str) -> None:
    found = spec
    for name in path.split("."):
        assert name in found["properties"], f"spec.{path}"
        found = found["properties"][name]


def test_every_field_is_in_the_table(spec: dict[str, Any]) -> None:
    for name in spec["properties"]:
        fields = spec["properties"][name].get("properties") or {"": {}}
        assert all(reach.reach(f"{name}.{field}".rstrip(".")) in reach.Reach for field in fields)


def test_a_field_that_does_not_exist_has_no_reach() -> None:
    with pytest.raises(KeyError, match="nothing"):
        reach.reach("nothing.at.all")
