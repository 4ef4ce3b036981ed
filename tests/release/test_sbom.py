"""The SBOMs of a release: complete. `make release` validates each against CycloneDX's schema."""

import json
import re
from pathlib import Path

import pytest

import inference_image_contract
from release import catalog, sbom
from tests.release.conftest import ROOT

VERSION = inference_image_contract.__version__
PIN = re.compile(r"^([\w.-]+)==([\w.!+-]+)", re.MULTILINE)


def test_each_image_has_one(first: Path) -> None:
    assert {path.name for path in first.glob("*.cdx.json")} == {
        f"{name}-{VERSION}.cdx.json" for name in catalog.REPOSITORIES
    }


@pytest.mark.parametrize("name", sbom.LOCKS)
def test_it_lists_every_line_of_the_lock_files(first: Path, name: str) -> None:
    found = json.loads((first / f"{name}-{VERSION}.cdx.json").read_text())
    pins = {
        pin for lock in sbom.LOCKS[name] for pin in PIN.findall((ROOT / "requirements" / f"{lock}.txt").read_text())
    }
    assert {(one["name"], one["version"]) for one in found["components"]} == pins
    assert all(one["externalReferences"][0]["hashes"] for one in found["components"])
    assert found["metadata"]["component"] == {
        "bom-ref": name, "type": "container", "name": name, "version": VERSION
    }  # fmt: skip


def test_kanikos_lists_its_modules(first: Path) -> None:
    found = json.loads((first / f"kaniko-{VERSION}.cdx.json").read_text())
    names = {one["name"] for one in found["components"]}
    assert "github.com/chainguard-dev/kaniko" in names
    assert len(names) == len((ROOT / sbom.MODULES["kaniko"]).read_text().split("require (", 1)[1].split("\t")) - 1
