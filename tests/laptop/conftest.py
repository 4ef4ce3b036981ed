"""Podman with storage and settings of the tests' own."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcluster.images import buildah, catalog, image_build
from tests.support import engine_settings


@pytest.fixture(scope="module")
def podman_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("podman")
    yield folder
    # pytest would keep tens of thousands of files of images, and a later run would spend minutes on removing them
    subprocess.run(["rm", "--recursive", "--force", folder], check=True)


@pytest.fixture(scope="module")
def podman_environment(podman_folder: Path) -> dict[str, str]:
    """The variables that make podman use the folder."""
    return os.environ | engine_settings.write(podman_folder)


@pytest.fixture(scope="module")
def store(podman_folder: Path) -> Callable[[str, str], None]:
    """store("kaniko", name) builds an image of this project and puts it into podman's storage under that name."""

    def copy(image: str, name: str) -> None:
        layout = image_build.build(next(found for found in catalog.ALL if found.name == image))
        target = f"containers-storage:[vfs@{podman_folder / 'graph'}+{podman_folder / 'run'}]{name}"
        subprocess.run(["skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", f"oci:{layout}", target], check=True)

    return copy


@pytest.fixture(scope="module")
def podman(podman_environment: dict[str, str]) -> Callable[..., str]:
    """podman("load", "-i", archive) -> what it prints."""

    def call(*words: object) -> str:
        argv = ["podman", *map(str, words)]
        done = subprocess.run(argv, check=True, env=podman_environment, capture_output=True, text=True, timeout=60)
        return done.stdout

    return call
