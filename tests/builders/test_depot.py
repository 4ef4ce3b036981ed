"""The real Kaniko with a depot: it builds the same image as with a login, and a RUN finds no login.

Needs root, for Kaniko's own root file system; no cluster.
"""

import base64
import io
import json
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from bench.builders import depot, programs
from bench.builders.programs import BuildError, Target
from devcluster.images import base_image, buildah
from inference_image_build.depot.store import Depot
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import parse
from inference_image_contract import inputs, paths
from inference_image_operator.diagnosis import kaniko_log
from tests.support.registries.docker_registry import htpasswd, serve_registry

USER, PASSWORD = "demo@example.com", "canary-password-of-the-registry"
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
REPRODUCIBLE = "--reproducible"


class Place(NamedTuple):
    """A registry that gives nobody without a login anything."""

    host: str
    system: str
    """A distribution as a base image, by digest."""
    tools: str
    """Another image, in another repository."""
    registry: Registry

    def manifest(self, path: str) -> dict:
        return json.loads(self.registry.manifest(parse(f"{self.host}/{path}:t"), "t").data)

    def layer(self, path: str, number: int) -> dict[str, str]:
        """The files of a layer."""
        digest = self.manifest(path)["layers"][number]["digest"]
        found = requests.get(f"http://{self.host}/v2/{path}/blobs/{digest}", auth=(USER, PASSWORD), timeout=60)
        with tarfile.open(fileobj=io.BytesIO(found.content)) as archive:
            return {
                info.name: archive.extractfile(info).read().decode(errors="replace")
                for info in archive
                if info.isfile()
            }


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("private")
    config = folder / "config.json"
    with serve_registry(folder, None, htpasswd(folder, USER, PASSWORD)) as host:
        config.write_text(json.dumps({"auths": {host: {"auth": LOGIN}}}))
        registry = Registry(
            inputs.Registry(repository=f"{host}/a", plain_http_hosts=(host,)), config, Path("/nonexistent")
        )
        pins = []
        for name in (f"{host}/base/system:1", f"{host}/other/tools:1"):
            _copy(base_image.ensure(), name)
            pins.append(parse(name).pinned(registry.manifest(parse(name), "1").digest))
        yield Place(host, *pins, registry)


def _copy(layout: Path, target: str) -> None:
    subprocess.run(
        ["skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--dest-tls-verify=false",
         f"--dest-creds={USER}:{PASSWORD}", f"oci:{layout}", f"docker://{target}"],
        check=True,
    )  # fmt: skip


@pytest.fixture
def build(place: Place, tmp_path: Path) -> Callable[..., str]:
    """build("FROM ...", *flags) -> the path of the image that a build with a depot pushed."""

    def run(text: str, *flags: str) -> str:
        workspace = tmp_path / secrets.token_hex(4)
        _write(workspace, text.replace("<system>", place.system).replace("<tools>", place.tools))
        path = f"test/{secrets.token_hex(4)}"
        depot.kaniko(workspace, Target(f"{place.host}/{path}", "t"), *flags, registry=place.registry)
        return path

    return run


def _write(workspace: Path, text: str) -> None:
    (workspace / "context").mkdir(parents=True)
    (workspace / "context" / "code.py").write_text("print(1)\n")
    (workspace / "Dockerfile").write_text(text)


SEARCH = """\
FROM <system>
RUN { find / -xdev -name config.json; env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; \\
      for f in /kaniko/.docker/* /inference-image/* /var/run/inference-image/*/*; do cat "$f"; done; } \\
    > /found 2>/dev/null; cat /etc/hosts /etc/resolv.conf > /dev/null
"""


def test_a_run_finds_no_login(place, build) -> None:
    """The registry gives nothing without a login, and still the base is pulled and the image pushed."""
    path = build(SEARCH)
    found = place.layer(path, -1)["found"]
    assert "PATH=" in found
    assert PASSWORD not in found
    assert LOGIN not in found
    assert USER not in found


STAGES = """\
FROM <system> AS one
RUN echo one > /one
FROM <tools> AS two
RUN echo two > /two
FROM <system>
COPY --from=one /one /one
COPY --from=two /two /two
COPY --from=<tools> /etc/debian_version /version
COPY code.py /code.py
RUN cat /one /two > /both
"""


def kaniko_alone(place: Place, workspace: Path, text: str) -> str:
    """The path of the image that Kaniko pushes by itself."""
    _write(workspace, text.replace("<system>", place.system).replace("<tools>", place.tools))
    path = f"test/{secrets.token_hex(4)}"
    programs.kaniko(workspace, Target(f"{place.host}/{path}", "t"), REPRODUCIBLE, logins={place.host: LOGIN})
    return path


def test_several_private_images_and_copies_from_an_image(place, build, tmp_path) -> None:
    path = build(STAGES, REPRODUCIBLE)
    found = {}
    for number in range(-5, 0):
        found |= place.layer(path, number)
    assert (found["both"], found["code.py"]) == ("one\ntwo\n", "print(1)\n")
    assert found["version"]
    assert place.manifest(path) == place.manifest(kaniko_alone(place, tmp_path / "alone", STAGES))


def test_the_image_is_the_one_that_kaniko_pushes_by_itself(place, build, tmp_path) -> None:
    text = "FROM <system>\nCOPY code.py /code.py\nCMD run it\n"
    path = build(text, REPRODUCIBLE)
    assert place.manifest(path) == place.manifest(kaniko_alone(place, tmp_path / "alone", text))


def test_layers_of_the_base_are_not_made_again(place, build) -> None:
    path = build("FROM <system>\nCOPY code.py /code.py\n")
    base = json.loads(place.registry.manifest(parse(place.system)).data)
    made = place.manifest(path)
    assert made["layers"][:-1] == base["layers"]
    assert made["mediaType"] == base["mediaType"]


def test_a_full_disk_of_the_depot_is_a_full_disk(build, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Depot, "finish", full)
    with pytest.raises(BuildError) as caught:
        build("FROM scratch\nCOPY code.py /\n")
    assert kaniko_log.diagnose(str(caught.value)).reason == "DiskFull"


def test_a_depot_that_is_gone_is_tried_again(place, tmp_path) -> None:
    _write(tmp_path, f"FROM {place.system}\nRUN true\n")
    gone = f"127.0.0.1:{paths.DEPOT_PORT}"
    flags = (f"--registry-map={place.host}={gone}/base", "--skip-default-registry-fallback")
    with pytest.raises(BuildError) as caught:
        programs.kaniko(tmp_path, Target(f"{gone}/image", "t"), "--no-push", "--log-format=text", *flags)
    found = kaniko_log.diagnose(str(caught.value))
    assert (found.reason, found.message[:19]) == ("RegistryUnavailable", "The container depot"), caught.value
