"""An image with RUN instructions, built twice from nothing, has one digest.

The operator's image stands for all: each is built by the same commands, and only those with TensorFlow have other
kinds of steps. tests/release/test_files.py compares Kaniko's image between buildah and podman.
"""

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import inference_image_contract
from devcluster.images import pip_settings
from tests.release.conftest import clone, release
from tests.support.engine_settings import STORAGE

PREFIX = "org.opencontainers.image."
SOURCE_URL = "https://example.com/team/project"
ELSEWHERE = {"TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7"}


def empty_storage(folder: Path, builders: Mapping[str, str]) -> dict[str, str]:
    """The environment of a builder that has never built anything."""
    folder.mkdir()
    text = STORAGE.format(folder).replace('"vfs"', '"overlay"')  # no step copies the files of those before it
    (folder / "storage.conf").write_text(text)
    return {**builders, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}


def built(folder: Path, environment: Mapping[str, str], registry: str, base: str, umask: int) -> str:
    """Builds the operator's image in a clone and pushes it; the reference by digest."""
    pip_settings.write(folder / "pip.conf")
    certificates = pip_settings.CERTIFICATES
    volumes = shlex.join(
        [f"--volume={certificates}:{certificates}:ro", f"--volume={folder / 'pip.conf'}:/etc/pip.conf:ro"]
    )
    flags = ("--only=operator", "--tool=buildah", base, "--push", "--push-flags=--tls-verify=false")
    settings = (f"--registry={registry}/twice", f"--build-flags={volumes}", f"--source-url={SOURCE_URL}")
    release(folder / "clone", environment, "images", *flags, *settings, f"--out={folder / 'out'}", umask=umask)
    reference: str = yaml.safe_load((folder / "out" / "values.yaml").read_text())["images"]["operator"]
    return reference


@pytest.fixture(scope="module")
def two(
    tmp_path_factory: pytest.TempPathFactory, builders: dict[str, str], registry: str, base: str
) -> tuple[str, str]:
    """The references of two builds: other folders, storages, umasks, time zones, locales and hash seeds."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("another place")
    for folder in (one, other):
        clone(folder / "clone")
    return (
        built(one, empty_storage(one / "storage", builders), registry, base, 0o022),
        built(other, empty_storage(other / "storage", builders) | ELSEWHERE, registry, base, 0o077),
    )


def test_two_builds_from_nothing_have_one_digest(two: tuple[str, str]) -> None:
    assert two[0].rpartition("@")[2].startswith("sha256:")
    assert two[0] == two[1]


def test_its_labels_say_what_it_is_made_from(two: tuple[str, str], tmp_path: Path) -> None:
    inspected = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--config", f"docker://{two[0]}"], check=True, capture_output=True
    )
    labels = json.loads(inspected.stdout)["config"]["Labels"]
    found = {name.removeprefix(PREFIX): value for name, value in labels.items() if name.startswith(PREFIX)}
    assert len(found.pop("revision")) == 40
    assert found == {
        "title": "inference-operator",
        "description": "The operator of InferenceImages",
        "licenses": "Apache-2.0",
        "version": inference_image_contract.__version__,
        "source": SOURCE_URL,
    }
