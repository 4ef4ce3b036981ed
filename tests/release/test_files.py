"""`make release` twice, in two clones with different settings, gives the same bytes."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

import inference_image_contract
from devcluster.images import buildah
from release import catalog, versions
from tests.release.conftest import REGISTRY, clone, release, served

VERSION = inference_image_contract.__version__
PYTHON = str(Version(VERSION))
NAMES = {
    f"inference-image-operator-{versions.chart_version(VERSION)}.tgz",
    f"inference_image_operator-{PYTHON}-py3-none-any.whl",
    f"inference_image_operator-{PYTHON}.tar.gz",
    f"kubectl-inferenceimage-{VERSION}.tar.gz",
    "inferenceimage.yaml",
    "images-values.yaml",
    "images.txt",
    "install.yaml",
    f"kaniko-{VERSION}.oci.tar",
    "SHA256SUMS",
    *(f"{name}-{VERSION}.cdx.json" for name in catalog.REPOSITORIES),
}


def test_all_files_exist_and_match_their_sums(first: Path) -> None:
    assert {path.name for path in first.iterdir()} == NAMES
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=first, check=True, capture_output=True)


@pytest.mark.parametrize("tool", ["buildah", "podman"])
def test_a_second_release_has_the_same_bytes(
    first: Path, tool: str, builders: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    folder = clone(tmp_path / "a clone elsewhere")
    other = {"TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    flags = ("--images", "--only=kaniko", "--build-flags=--no-cache", f"--tool={tool}", base)
    release(folder, builders | other, "files", f"--registry={REGISTRY}", *flags, umask=0o077)
    assert (folder / "out" / "release" / "SHA256SUMS").read_text() == (first / "SHA256SUMS").read_text()


def test_the_installation_names_the_archives_image_by_digest(first: Path) -> None:
    with tarfile.open(first / f"kaniko-{VERSION}.oci.tar") as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (described,) = json.load(index)["manifests"]
    documents = list(yaml.safe_load_all((first / "install.yaml").read_text()))
    (config,) = [document for document in documents if document["kind"] == "ConfigMap"]
    images = yaml.safe_load(config["data"]["config.yaml"])["images"]
    assert images["kaniko"] == f"{REGISTRY}/kaniko@{described['digest']}"
    assert images["build"] == f"{REGISTRY}/inference-build:{VERSION}"


def test_an_archive_reaches_a_registry_under_its_digest(first: Path, registry: str) -> None:
    """The command of docs/releasing.md."""
    copy = ("skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--dest-tls-verify=false", "--preserve-digests")
    archive = first / f"kaniko-{VERSION}.oci.tar"
    subprocess.run([*copy, f"oci-archive:{archive}", f"docker://{registry}/archived/kaniko:1"], check=True)
    values = yaml.safe_load((first / "images-values.yaml").read_text())
    assert values["images"]["kaniko"] == f"{REGISTRY}/kaniko@{served(registry, 'archived/kaniko', '1')}"


def test_the_values_of_pushed_images_are_used(first: Path, builders: Mapping[str, str], tmp_path: Path) -> None:
    names = ("operator", "export", "exportOnnx", "build", "kaniko")
    images = {name: f"{REGISTRY}/{name}@sha256:{'5' * 64}" for name in names}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"images": images, "watchNamespaces": ["team-a"]}))
    folder = first.parents[1]
    release(folder, builders, "files", f"--values={tmp_path / 'values.yaml'}", f"--out={tmp_path / 'out'}")
    documents = list(yaml.safe_load_all((tmp_path / "out" / "install.yaml").read_text()))
    (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == images["operator"]
    assert "ClusterRole" not in {document["kind"] for document in documents}


def test_the_wheel_contains_the_packages_and_the_crd(first: Path, tmp_path: Path) -> None:
    """The plugin's CRD is a symbolic link in the repository and a file in the wheel."""
    (wheel,) = first.glob("*.whl")
    code = "import kubectl_inferenceimage.crd as c; print(c.CRD, len(c.CRD.read_text()) > 10_000)"
    unpacked = tmp_path / "unpacked"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(unpacked)], check=True)
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
    ).stdout  # fmt: skip
    assert told == f"{unpacked}/kubectl_inferenceimage/crd.yaml True\n"


def test_a_changed_file_is_refused(tmp_path: Path, builders: Mapping[str, str]) -> None:
    folder = clone(tmp_path / "clone")
    with (folder / "README.md").open("a") as file:
        file.write("more\n")
    with pytest.raises(AssertionError, match=r"README\.md differs from it\. Commit or undo the change\."):
        release(folder, builders, "files")
    assert not (folder / "out").exists()


def test_a_tag_of_another_version_is_refused(first: Path, builders: Mapping[str, str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"The tag v9\.9\.9 does not name the version of the code"):
        release(first.parents[1], builders, "files", "--tag=v9.9.9", f"--out={tmp_path / 'out'}")
