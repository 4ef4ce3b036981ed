"""A clone to release from, releases, and builders with separate storage and settings.

Needs root, Debian's buildah, podman and docker-registry; setuptools and the plugin's packages are downloaded.
"""

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

import inference_image_contract
from devcluster import settings
from devcluster.images import base_image
from devcluster.lib.in_thread import serving
from tests.support import engine_settings
from tests.support.registries.docker_registry import serve_registry

ROOT = Path(__file__).parents[2]
COMMITTED = "2026-01-31T09:30:00+00:00"
REGISTRY = "registry.test/team"

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def clone(target: Path) -> Path:
    """A repository with one commit: the files of this working tree, committed or not."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if (path.is_file() or path.is_symlink()) and not path.is_dir():  # excludes links to virtual environments
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / name, follow_symlinks=False)
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    dates = {"GIT_AUTHOR_DATE": COMMITTED, "GIT_COMMITTER_DATE": COMMITTED}
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "--message=test")):
        subprocess.run(["git", *words], check=True, cwd=target, env=os.environ | dates)
    return target


@pytest.fixture(scope="session")
def builders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of buildah and podman."""
    own = engine_settings.write(tmp_path_factory.mktemp("builders"))
    return own | {"INFERENCE_IMAGE_CACHE": str(settings.cache()), "BUILDAH_ISOLATION": "chroot"}


@pytest.fixture(scope="session")
def base() -> str:
    """The base of the images: no public registry is used."""
    return f"--base-image=oci:{base_image.ensure()}"


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, builders: Mapping[str, str], base: str) -> Path:
    """A release with one image."""
    folder = clone(tmp_path_factory.mktemp("first"))
    release(folder, builders, "files", f"--registry={REGISTRY}", "--images", "--only=kaniko", "--tool=buildah", base)
    return folder / "out" / "release"


class Downloads(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and writes no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, builders: Mapping[str, str]) -> Iterator[Path]:
    """A release without images. It can be downloaded from the repository that it names, as from GitHub."""
    served = tmp_path_factory.mktemp("served")
    folder = clone(tmp_path_factory.mktemp("released"))
    handler = functools.partial(Downloads, directory=str(served))
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        address = f"http://127.0.0.1:{server.server_port}/team/repository"
        release(folder, builders, "files", f"--registry={REGISTRY}", f"--source-url={address}")
        downloads = served / "team" / "repository" / "releases" / "download"
        downloads.mkdir(parents=True)
        (downloads / f"v{inference_image_contract.__version__}").symlink_to(folder / "out" / "release")
        yield folder / "out" / "release"


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry on loopback that speaks plain HTTP."""
    with serve_registry(tmp_path_factory.mktemp("registry"), None, {}) as host:
        yield host


def served(host: str, repository: str, reference: str) -> str:
    """The digest of a tag or digest in the registry."""
    url = f"http://{host}/v2/{repository}/manifests/{reference}"
    answer = requests.get(url, headers={"Accept": MANIFEST}, timeout=60)
    assert answer.ok, answer.text
    return "sha256:" + hashlib.sha256(answer.content).hexdigest()


def release(folder: Path, environment: Mapping[str, str], *words: str, umask: int = -1) -> str:
    """Runs `python -m release` in a clone; returns its output."""
    argv = [sys.executable, "-m", "release", *words]
    variables = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    ended = subprocess.run(
        argv, check=False, cwd=folder, env=variables | environment, capture_output=True, text=True, umask=umask
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr
