"""`make images` with buildah and with podman: what the values name is what the registry has."""

import hashlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests
import yaml

import inference_image_contract
from tests.registries.docker_registry import serve_registry
from tests.release.conftest import ROOT, release

VERSION = inference_image_contract.__version__
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_registry(tmp_path_factory.mktemp("registry"), None, {}) as host:
        yield host


def served(host: str, repository: str, reference: str) -> bytes:
    answer = requests.get(
        f"http://{host}/v2/{repository}/manifests/{reference}", headers={"Accept": MANIFEST}, timeout=10
    )
    assert answer.ok, answer.text
    return answer.content


def kaniko(out: Path) -> str:
    """The one image that the values name."""
    values = yaml.safe_load((out / "values.yaml").read_text())
    assert values.keys() == {"images"}
    assert values["images"].keys() == {"kaniko"}
    reference: str = values["images"]["kaniko"]
    return reference


@pytest.mark.parametrize("tool", ["buildah", "podman"])
def test_a_pushed_image_is_named_by_the_digest_that_the_registry_has(
    tool: str, registry: str, builders: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    flags = ("--only=kaniko", "--push", "--push-flags=--tls-verify=false", f"--tool={tool}", base)
    release(ROOT, builders, "images", f"--registry={registry}/{tool}", *flags, f"--out={tmp_path}")
    repository, _, digest = kaniko(tmp_path).partition("@")
    assert repository == f"{registry}/{tool}/kaniko"
    for reference in (digest, VERSION):
        content = served(registry, f"{tool}/kaniko", reference)
        assert "sha256:" + hashlib.sha256(content).hexdigest() == digest


@pytest.mark.parametrize("tool", ["buildah", "podman"])
def test_an_image_that_is_not_pushed_is_named_by_its_tag(
    tool: str, builders: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    flags = ("--only=kaniko", f"--tool={tool}", base)
    release(ROOT, builders, "images", "--registry=localhost/local", *flags, f"--out={tmp_path}")
    reference = kaniko(tmp_path)
    assert reference == f"localhost/local/kaniko:{VERSION}"
    inspect = [tool, "inspect", "--type=image", reference]
    subprocess.run(inspect, check=True, capture_output=True, env={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", **builders})
