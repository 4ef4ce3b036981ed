"""The chart's description for Artifact Hub, made from the sources."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from release import artifacthub, catalog, notes
from release.labels import check_source

ROOT = Path(__file__).parents[3]
CHART = (ROOT / "deploy" / "helm" / "Chart.yaml").read_text()
REFERENCES = {name: catalog.tagged("registry.test/team", name, "1.2.3") for name in catalog.REPOSITORIES}


@pytest.fixture(scope="module")
def chart() -> dict[str, Any]:
    described = artifacthub.of_release(ROOT, REFERENCES, "0.1.0", check_source("https://host.test/repository"))
    return yaml.safe_load(described(CHART))


def test_the_rest_of_the_file_stays(chart: dict[str, Any]) -> None:
    before = yaml.safe_load(CHART)
    assert before.pop("annotations").items() <= chart["annotations"].items()
    assert before.items() <= chart.items()
    assert (chart["home"], chart["sources"]) == ("https://host.test/repository", ["https://host.test/repository"])


def test_every_annotation_is_a_text_with_yaml(chart: dict[str, Any]) -> None:
    assert all(isinstance(value, str) for value in chart["annotations"].values())
    found = {name.removeprefix("artifacthub.io/"): yaml.safe_load(text) for name, text in chart["annotations"].items()}
    assert {image["name"]: image["image"] for image in found["images"]} == REFERENCES
    (crd,) = found["crds"]
    assert (crd["kind"], crd["version"], crd["name"]) == ("InferenceImage", "v1alpha1", "inferenceimages.uai.ucloud.cn")
    assert crd["description"].endswith(".")
    (example,) = found["crdsExamples"]
    assert example["kind"] == crd["kind"]
    assert {change["kind"] for change in found["changes"]} <= {*artifacthub.KINDS.values()}
    assert len(found["changes"]) > 10
    assert found["links"] == [{"name": "Repository", "url": "https://host.test/repository"}]
    assert (found["license"], found["operator"]) == ("Apache-2.0", True)


def test_without_an_address_there_is_no_link() -> None:
    chart = yaml.safe_load(artifacthub.of_release(ROOT, REFERENCES, "0.1.0", "")(CHART))
    assert "artifacthub.io/links" not in chart["annotations"]
    assert not {"home", "sources"} & chart.keys()


def test_a_change_is_the_first_sentence_of_its_item_without_links() -> None:
    section = "### Added\n\n- One ([0001](a.md)) with\n  `code`. More.\n\n  | a |\n- Two.\n\n### Fixed\n\n- Three: x.\n"
    assert artifacthub.changes(section) == [
        {"kind": "added", "description": "One (0001) with `code`."},
        {"kind": "added", "description": "Two."},
        {"kind": "fixed", "description": "Three: x."},
    ]


def test_the_section_of_the_version_or_what_is_not_released() -> None:
    changelog = "## [Unreleased]\n\n- New.\n\n## [1.0.0]\n\n- Old.\n"
    assert notes.newest(changelog, "1.0.0") == "- Old.\n"
    assert notes.newest(changelog, "1.1.0") == "- New.\n"
    assert notes.newest("", "1.1.0") == ""
