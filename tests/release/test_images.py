"""`make images` with buildah and with podman: the values match the registry."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

import inference_image_contract
from tests.release.conftest import ROOT, release, served

VERSION = inference_image_contract.__version__


def kaniko(out: Path) -> str:
    """The only image in the values."""
    values = yaml.safe_load((out / "values.yaml").read_text())
    assert values.keys() == {"images"}
    assert values["images"].keys() == {"kaniko"}
    reference: str = values["images"]["kaniko"]
    return reference


@pytest.mark.parametrize("tool", ["buildah", "podman"])
def test_a_pushed_image_is_named_by_its_digest_in_the_registry(
    tool: str, registry: str, builders: Mapping[str, str], base: str, tmp_path: Path
) -> None:
    flags = ("--only=kaniko", "--push", "--push-flags=--tls-verify=false", f"--tool={tool}", base)
    release(ROOT, builders, "images", f"--registry={registry}/{tool}", *flags, f"--out={tmp_path}")
    repository, _, digest = kaniko(tmp_path).partition("@")
    assert repository == f"{registry}/{tool}/kaniko"
    for reference in (digest, VERSION):
        assert served(registry, f"{tool}/kaniko", reference) == digest


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
