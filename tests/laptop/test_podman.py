"""`build --local` on podman with the real Kaniko: the archive loads, and the push equals that of the cluster.

Needs root and Debian's podman; storage and settings are the test's own, and nothing leaves loopback.
"""

import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.laptop.site import DOCKERFILE, GRAPH, SECRETS, Site, site

EXECUTOR = "localhost/inference-image/kaniko:test"
SECONDS = 150

Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def environment(podman_environment: dict[str, str], store: Callable[[str, str], None]) -> dict[str, str]:
    """Podman whose storage has Kaniko's image."""
    store("kaniko", EXECUTOR)
    return podman_environment


@pytest.fixture
def build(place: Site, environment: dict[str, str], tmp_path: Path) -> Build:
    """build("--push", dockerfile=...) runs the plugin; the graph is in UFile."""

    def call(*words: str, dockerfile: str = DOCKERFILE) -> subprocess.CompletedProcess[str]:
        place.store.write(DOCKERFILE.encode(), "source/Dockerfile")
        manifest = place.manifest()
        place.export(manifest)
        place.store.write(dockerfile.encode(), "source/Dockerfile")
        plugin = [sys.executable, "-m", "kubectl_inferenceimage", *place.flags(), "-f", str(manifest)]
        argv = [*plugin, "--engine=podman", f"--executor={EXECUTOR}", *words]
        return subprocess.run(
            argv, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS
        )

    return call


def files_of(archive: Path) -> dict[str, bytes]:
    """The files of the image in a docker archive, with all layers applied."""
    found: dict[str, bytes] = {}
    with tarfile.open(archive) as outer:

        def member(name: str) -> bytes:
            file = outer.extractfile(name)
            assert file is not None
            return file.read()

        (described,) = json.loads(member("manifest.json"))
        for name in described["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(member(name)))) as layer:
                for info in layer:
                    if file := layer.extractfile(info):
                        found[info.name.lstrip("/")] = file.read()
    return found


def labels_of(inspected: str) -> dict[str, Any]:
    (image,) = json.loads(inspected)
    return image["Config"]["Labels"]


def test_the_archive_is_an_image_that_podman_loads(build: Build, podman, tmp_path: Path, place: Site) -> None:
    ended = build()
    assert ended.returncode == 0, ended.stderr
    archive = tmp_path / "detector.tar"
    assert ended.stdout == f"{archive}\n"
    files = files_of(archive)
    assert files["etc/base"] == b"base\n"
    assert files["ai/checkpoint_dir/frozen_inference_graph.pb"] == GRAPH
    assert files["ai/infer.py"] == b"print()\n"
    loaded = podman("load", "-i", archive)
    name = loaded.strip().removeprefix("Loaded image: ")
    assert name.startswith(f"{place.registry.host}/demo/detector:content-")
    assert labels_of(podman("image", "inspect", name))["uai.ucloud.cn/checkpoint-step"] == "800"
    assert not any(secret in ended.stdout + ended.stderr for secret in SECRETS)


def test_a_push_is_served_under_the_content_tag_alone(build: Build, place: Site) -> None:
    pushed = build("--push", dockerfile=DOCKERFILE + "ENV PUSHED=1\n")
    assert pushed.returncode == 0, pushed.stderr
    repository, _, digest = pushed.stdout.strip().partition("@")
    assert repository == f"{place.registry.host}/demo/detector"
    assert place.registry.digest("demo/detector", digest) == digest
    assert place.registry.digest("demo/detector", "test") == ""


def test_kanikos_failure_is_diagnosed(build: Build) -> None:
    ended = build(dockerfile=DOCKERFILE + "RUN without-a-shell\n")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "/bin/sh" in ended.stderr.splitlines()[-1]
    assert ended.stderr.splitlines()[-1].startswith("RunFailed: ")


def test_what_kaniko_would_ignore_is_refused_here_too(build: Build) -> None:
    ended = build(dockerfile=DOCKERFILE + "RUN --mount=type=secret,id=t x\n")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1].startswith("BuilderUnsupported: ")
    assert "Kaniko does not support RUN --mount=type=secret." in ended.stderr


def test_files_that_kaniko_cannot_choose_are_chosen_here_too(build: Build, tmp_path: Path) -> None:
    lines = "COPY --exclude=*.py . /chosen/\nCOPY <<EOF /chosen/made.json\n{}\nEOF\n"
    assert build(dockerfile=DOCKERFILE + lines).returncode == 0
    files = files_of(tmp_path / "detector.tar")
    assert files["chosen/made.json"] == b"{}\n"
    assert not [path for path in files if path.startswith("chosen/") and path.endswith(".py") and "/" not in path[7:]]
    assert not [path for path in files if ".inference-image/" in path]
