"""The SBOMs of the images: complete, valid, and the same bytes each time."""

import json
import re
from pathlib import Path

import pytest

from release import catalog, sbom

ROOT = Path(__file__).parents[3]
PIN = re.compile(r"^([\w.-]+)==([\w.!+-]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sboms")
    sbom.write(ROOT, folder, "1.2.3", 1_000_000_000)
    return folder


def test_each_image_has_one(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {f"{name}-1.2.3.cdx.json" for name in catalog.REPOSITORIES}


@pytest.mark.parametrize("name", sbom.LOCKS)
def test_it_lists_every_line_of_the_lock_files(made: Path, name: str) -> None:
    found = json.loads((made / f"{name}-1.2.3.cdx.json").read_text())
    pins = {
        pin for lock in sbom.LOCKS[name] for pin in PIN.findall((ROOT / "requirements" / f"{lock}.txt").read_text())
    }
    assert {(one["name"], one["version"]) for one in found["components"]} == pins
    assert all(one["externalReferences"][0]["hashes"] for one in found["components"])
    assert found["metadata"]["component"] == {
        "bom-ref": name, "type": "container", "name": name, "version": "1.2.3"
    }  # fmt: skip


def test_kanikos_lists_its_modules(made: Path) -> None:
    found = json.loads((made / "kaniko-1.2.3.cdx.json").read_text())
    names = {one["name"] for one in found["components"]}
    assert "github.com/chainguard-dev/kaniko" in names
    assert len(names) == len((ROOT / sbom.MODULES["kaniko"]).read_text().split("require (", 1)[1].split("\t")) - 1


def test_equal_sources_give_equal_bytes(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    sbom.write(ROOT, tmp_path, "1.2.3", 1_000_000_000)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }
