"""The images of a release: the list, their names, and the chart's values for them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from release import catalog, devtools
from release.errors import ReleaseError

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm"
REFERENCES = {name: catalog.tagged("registry.test/team", name, "1.2.3") for name in catalog.REPOSITORIES}


def test_every_image_of_the_development_cluster_is_released_except_the_tutorials() -> None:
    assert {image.name for image in devtools.IMAGES} - set(catalog.REPOSITORIES) == {"tutorial-base"}
    assert [image.name for image in catalog.chosen([])] == list(catalog.REPOSITORIES)


def test_images_are_chosen_by_name() -> None:
    assert [image.name for image in catalog.chosen(["kaniko", "build"])] == ["kaniko", "build"]


def test_the_error_for_an_unknown_image_lists_the_known_ones() -> None:
    with pytest.raises(ReleaseError, match=r"There is no image bild\. There are: operator, export, "):
        catalog.chosen(["kaniko", "bild"])


@pytest.mark.parametrize("dockerfile", sorted({image.dockerfile for image in catalog.chosen([])}))
def test_every_dockerfile_has_a_public_default_that_an_argument_replaces(dockerfile: str) -> None:
    lines = (ROOT / dockerfile).read_text().splitlines()
    assert "ARG BASE_IMAGE=python:3.13-slim" in lines
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    stages = {line.split()[3] for line in lines if line.startswith("FROM ") and " AS " in line}
    assert set(bases) - stages <= {"${BASE_IMAGE}", "scratch"}


@pytest.mark.parametrize(
    ("registry", "taken"),
    [
        ("registry.test/team", "registry.test/team"),
        ("registry.test/team/", "registry.test/team"),
        ("registry.test:5000/a/b-c", "registry.test:5000/a/b-c"),
        ("localhost/x", "localhost/x"),
        ("registry.test", "registry.test"),
    ],
)
def test_a_valid_registry_is_accepted(registry: str, taken: str) -> None:
    assert catalog.check_registry(registry) == taken


@pytest.mark.parametrize(
    "registry", ["https://registry.test/a", "registry.test/A", "registry.test/a:1", "team/a", "registry.test/a b", "/a"]
)
def test_an_invalid_registry_is_refused(registry: str) -> None:
    with pytest.raises(ReleaseError, match="is not host"):
        catalog.check_registry(registry)


def test_a_missing_registry_is_refused_with_an_example() -> None:
    with pytest.raises(ReleaseError, match="Write REGISTRY=host/path"):
        catalog.check_registry("")


def test_the_values_pass_the_charts_schema() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    values = yaml.safe_load(catalog.values_text(REFERENCES))
    assert values["images"].keys() == defaults["images"].keys() - {"registry"}
    assert values["config"]["sources"].keys() <= defaults["config"]["sources"].keys()
    merged = defaults | {"images": values["images"]}
    merged["config"] = defaults["config"] | {"sources": defaults["config"]["sources"] | values["config"]["sources"]}
    jsonschema.validate(merged, json.loads((CHART / "values.schema.json").read_text()))


def test_the_values_name_only_built_images() -> None:
    digest = "sha256:" + "0" * 64
    text = catalog.values_text({"kaniko": catalog.by_digest("registry.test/team", "kaniko", digest)})
    assert yaml.safe_load(text) == {"images": {"kaniko": f"registry.test/team/kaniko@{digest}"}}


def test_a_comment_names_the_base_for_onnx() -> None:
    assert catalog.values_text(REFERENCES).endswith("\n# registry.test/team/inference-base-onnx:1.2.3\n")


def test_the_images_of_a_values_file() -> None:
    assert catalog.references(catalog.values_text(REFERENCES)) == REFERENCES
    assert catalog.references("watchNamespaces: [a]\nconfig: {workers: 3}\n") == {}


def test_the_list_has_every_image_once() -> None:
    listed = catalog.list_text(REFERENCES).splitlines()
    assert listed == [*REFERENCES.values()]
    assert len({image.rpartition("/")[2] for image in listed}) == len(listed), "one value can relocate them"
