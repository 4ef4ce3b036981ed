"""Versions, install.yaml, checksums, notes and the output folder of a release."""

import hashlib
import subprocess
from pathlib import Path

import pytest
import yaml

import inference_image_contract
from devcluster import versions as kubernetes
from release import manifest, notes, package, source, sums, versions
from release.__main__ import require_replaceable
from release.errors import ReleaseError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("python", "chart"),
    [("0.1.0", "0.1.0"), ("0.1.0.dev", "0.1.0-dev"), ("0.1.0.dev3", "0.1.0-dev.3"), ("1.2.3rc1", "1.2.3-rc.1")],
)
def test_the_version_in_helms_form(python: str, chart: str) -> None:
    assert versions.chart_version(python) == chart


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3+local", "1.2.3 "])
def test_a_version_with_an_unsupported_form_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="has an unsupported form"):
        versions.chart_version(version)


@pytest.mark.parametrize("tag", ["", "v1.2.3"])
def test_a_tag_of_this_version(tag: str) -> None:
    versions.check_tag(tag, "1.2.3")


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.4", "v1.2.3.dev"])
def test_a_tag_of_another_version_is_refused(tag: str) -> None:
    with pytest.raises(ReleaseError, match=f"The tag {tag} does not name the version of the code, 1.2.3. Tag"):
        versions.check_tag(tag, "1.2.3")


def test_the_version_comes_from_the_code() -> None:
    assert source.version() == inference_image_contract.__version__
    assert versions.chart_version(source.version())


def test_the_time_is_source_date_epoch_or_that_of_the_commit() -> None:
    argv = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    committed = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    assert source.epoch({}) == committed
    assert source.epoch({"SOURCE_DATE_EPOCH": "12"}) == 12
    with pytest.raises(ReleaseError, match="SOURCE_DATE_EPOCH=now is not a number"):
        source.epoch({"SOURCE_DATE_EPOCH": "now"})


def test_the_manifest_begins_with_its_namespace() -> None:
    text = manifest.install("1.2.3", "registry.test/team", "---\nkind: ConfigMap\n")
    namespace, other = yaml.safe_load_all(text)
    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", manifest.NAMESPACE)
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert other == {"kind": "ConfigMap"}


def test_a_placeholder_for_the_registry_is_pointed_out() -> None:
    assert f"# Replace {manifest.PLACEHOLDER} " in manifest.header("1.2.3", manifest.PLACEHOLDER)
    assert "Replace" not in manifest.header("1.2.3", "registry.test/team")


def test_the_manifest_is_rendered_for_the_oldest_kubernetes() -> None:
    assert f"{kubernetes.FLOOR}.0" == package.OLDEST_KUBERNETES


def test_sha256sum_verifies_the_sums(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"b")
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / sums.NAME).write_text("earlier")
    (tmp_path / sums.NAME).write_text(sums.lines(tmp_path))
    first = hashlib.sha256(b"a").hexdigest()
    assert (tmp_path / sums.NAME).read_text().startswith(f"{first}  a\n")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", sums.NAME], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "a: OK\nb: OK\n")


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n### Added\n\n- A.\n\n## [1.2.2]\n\n- B.\n"


@pytest.mark.parametrize(("version", "text"), [("1.2.3", "### Added\n\n- A.\n"), ("1.2.2", "- B.\n")])
def test_the_notes_are_the_section_of_the_version(version: str, text: str) -> None:
    assert notes.section(CHANGELOG, version) == text


@pytest.mark.parametrize("version", ["1.2", "1x2.3", "Unreleased"])
def test_a_version_without_notes_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="Rename \\[Unreleased\\] to"):
        notes.section(CHANGELOG, version)


def test_only_an_earlier_release_is_overwritten(tmp_path: Path) -> None:
    require_replaceable(tmp_path / "absent")
    require_replaceable(tmp_path)
    (tmp_path / "precious").touch()
    with pytest.raises(ReleaseError, match="is not overwritten"):
        require_replaceable(tmp_path)
    (tmp_path / sums.NAME).touch()
    require_replaceable(tmp_path)


def test_setuptools_is_locked() -> None:
    assert "setuptools==" in (ROOT / package.CONSTRAINTS).read_text()
