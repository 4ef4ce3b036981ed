"""The archive and the manifest for krew."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import krew

ROOT = Path(__file__).parents[3]
EPOCH = 1700000000
WHEEL = "inference_image_operator-1.2.3rc1-py3-none-any.whl"
PACKED = "kubectl-inferenceimage-1.2.3rc1.tar.gz"
ADDRESS = "https://host.test/team/repository"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder of a release with its wheel."""
    (tmp_path / WHEEL).write_bytes(b"a wheel")
    krew.write(ROOT, tmp_path, "1.2.3rc1", EPOCH, ADDRESS)
    return tmp_path


def manifest(address: str) -> dict[str, Any]:
    return yaml.safe_load(krew.manifest_text("1.2.3rc1", PACKED, "a" * 64, address))


def test_the_archive_has_the_launcher_and_what_it_installs(target: Path) -> None:
    with tarfile.open(target / PACKED) as archive:
        members = {member.name: member for member in archive}
        content = {name: archive.extractfile(member).read() for name, member in members.items()}
    assert {name: member.mode for name, member in members.items()} == {
        "kubectl-inferenceimage": 0o755,
        WHEEL: 0o644,
        "requirements.txt": 0o644,
        "LICENSE": 0o644,
        "NOTICE": 0o644,
    }
    assert content[WHEEL] == b"a wheel"
    assert content["requirements.txt"] == (ROOT / "requirements" / "cli.txt").read_bytes()
    assert f"\nwheel={WHEEL}\n".encode() in content["kubectl-inferenceimage"]
    assert b"@" not in content["kubectl-inferenceimage"].replace(b'"$@"', b"")


def test_equal_files_give_equal_bytes(target: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / WHEEL).write_bytes(b"a wheel")
    (other / WHEEL).chmod(0o600)
    krew.write(ROOT, other, "1.2.3rc1", EPOCH, ADDRESS)
    for name in (PACKED, "inferenceimage.yaml"):
        assert (other / name).read_bytes() == (target / name).read_bytes()
    with tarfile.open(fileobj=io.BytesIO((other / PACKED).read_bytes())) as archive:
        assert {member.mtime for member in archive} == {EPOCH}


def test_the_manifest_names_the_archive_by_its_sum(target: Path) -> None:
    written = yaml.safe_load((target / "inferenceimage.yaml").read_text())
    digest = hashlib.sha256((target / PACKED).read_bytes()).hexdigest()
    assert written["metadata"]["name"] == "inferenceimage"
    assert written["spec"]["version"] == "v1.2.3-rc.1"
    assert written["spec"]["platforms"] == [
        {
            "selector": {"matchLabels": {"os": system}},
            "uri": f"{ADDRESS}/releases/download/v1.2.3rc1/{PACKED}",
            "sha256": digest,
            "bin": "kubectl-inferenceimage",
        }
        for system in ("linux", "darwin")
    ]


def test_the_manifest_says_what_the_plugin_needs() -> None:
    spec = manifest(ADDRESS)["spec"]
    assert spec["homepage"] == ADDRESS
    assert "Python 3.11 or later" in spec["caveats"]
    assert len(spec["shortDescription"]) <= 50
    assert not spec["shortDescription"].endswith(".")


def test_without_an_address_a_placeholder_is_pointed_out() -> None:
    spec = manifest("")["spec"]
    assert "homepage" not in spec
    assert {one["uri"] for one in spec["platforms"]} == {f"{krew.PLACEHOLDER}/releases/download/v1.2.3rc1/{PACKED}"}
    assert f"# Replace {krew.PLACEHOLDER} " in krew.manifest_text("1.2.3rc1", PACKED, "a" * 64, "")
    assert "Replace" not in krew.manifest_text("1.2.3rc1", PACKED, "a" * 64, ADDRESS)


def test_a_slash_at_the_end_of_the_address_is_not_doubled() -> None:
    assert manifest(f"{ADDRESS}/")["spec"]["platforms"] == manifest(ADDRESS)["spec"]["platforms"]
