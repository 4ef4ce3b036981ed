"""`try --local` on podman: the published image gets pictures in a container here, and leaves nothing.

Needs root and Debian's podman; storage and settings are the test's own, and nothing leaves loopback.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from kubectl_inferenceimage.cluster.trial import drawing
from tests.support.objects import document
from tests.support.world import World
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, ApiServer, serve

REPOSITORY = "localhost/detector"
CONTAINERFILE = """\
FROM localhost/python:1
COPY server.py /server.py
ENTRYPOINT ["python3", "/server.py"]
"""
SERVER = """\
import http.server, json

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer("YES")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"detections": [{"class": "disc", "id": 1, "score": 0.9, "box": [0.1, 0.1, 0.5, 0.5]}]})

    def answer(self, found):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""

Try = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def images(podman, store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of an image that answers, and of one that wants arguments and ends."""
    store("build", "localhost/python:1")
    folder = tmp_path_factory.mktemp("image")
    (folder / "Containerfile").write_text(CONTAINERFILE)
    (folder / "server.py").write_text(SERVER)
    podman("build", "--quiet", f"--tag={REPOSITORY}:answers", folder)
    podman("tag", "localhost/python:1", f"{REPOSITORY}:ends")
    digest = ("image", "inspect", "--format={{.Digest}}")
    return {name: podman(*digest, f"{REPOSITORY}:{name}").strip() for name in ("answers", "ends")}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serve() as found:
        yield found


@pytest.fixture
def try_(api: ApiServer, podman_environment: dict[str, str], tmp_path: Path) -> Try:
    """try_(digest) -> the command on an object whose published image has this digest."""

    def call(digest: str) -> subprocess.CompletedProcess[str]:
        world = World()
        world.run_whole()
        image = document(world, NAMESPACE, "detector")
        image["status"]["image"] |= {"digest": digest, "reference": f"{REPOSITORY}@{digest}"}
        api.objects[f"{IMAGES}/detector"] = image
        Image.new("RGB", (200, 100), "#336699").save(tmp_path / "street.png")
        plugin = [sys.executable, "-m", "kubectl_inferenceimage", "try", "detector", "street.png", "--local"]
        return subprocess.run(
            [*plugin, "--engine=podman", f"--kubeconfig={api.kubeconfig(tmp_path)}"],
            check=False,
            cwd=tmp_path,
            env=podman_environment,
            capture_output=True,
            text=True,
            timeout=150,
        )

    return call


def test_the_image_answers_here_and_its_container_is_removed(images, try_: Try, podman, tmp_path: Path) -> None:
    ended = try_(images["answers"])
    assert ended.returncode == 0, ended.stderr
    assert "disc" in ended.stdout
    assert drawing.origin_of(tmp_path / "street.boxes.png") == (NAMESPACE, "detector", images["answers"])
    assert podman("ps", "--all", "--quiet") == ""


def test_an_image_that_ends_is_shown_with_its_log(images, try_: Try, podman) -> None:
    ended = try_(images["ends"])
    assert ended.returncode == 1
    assert "The image does not start: exit code 10" in ended.stderr
    assert "usage: " in ended.stderr
    assert podman("ps", "--all", "--quiet") == ""


def test_an_image_that_cannot_be_pulled_is_refused_by_the_engine(try_: Try) -> None:
    ended = try_("sha256:" + "0" * 64)
    assert ended.returncode == 1
    assert "podman run failed: " in ended.stderr
