"""docs/operations/support.md states the versions that the code, the locks and the chart have."""

import re
import tomllib
from pathlib import Path

import yaml

from devcluster import versions

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations" / "support.md").read_text()


def row(first: str) -> str:
    """The second cell of the only row with this first cell."""
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| {first} |")]
    return found.split("|")[2].strip()


def locked(package: str, lock: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE)
    assert found, package
    return found[1]


def test_versions_of_kubernetes() -> None:
    assert row("Kubernetes").startswith(", ".join(versions.VERSIONS) + ":")
    chart = yaml.safe_load((ROOT / "deploy" / "helm" / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={versions.FLOOR}.0-0"


def test_python_of_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert row("Python of the [kubectl plugin](../guides/laptop.md)") == "3.11 or later"


def test_krew() -> None:
    modules = (ROOT / "devcluster" / "tools" / "krew" / "go.mod").read_text()
    stated = row("[krew](../guides/laptop.md#installing-it), which installs the plugin")
    assert f"\tsigs.k8s.io/krew v{stated}." in modules


def test_python_of_the_images() -> None:
    assert "ARG BASE_IMAGE=python:3.13-slim" in (ROOT / "operator" / "Dockerfile").read_text()
    assert row("Python of the images").startswith("3.13;")


def test_tensorflow() -> None:
    tensorflow = locked("tensorflow-cpu", "export.txt")
    assert row("the export").startswith(f"{tensorflow},")
    assert locked("tensorflow-cpu", "inference-tensorflow.txt") == tensorflow
    runtime = locked("onnxruntime", "inference-onnx.txt")
    assert row("the inference bases") == f"TensorFlow {tensorflow}, or ONNX Runtime {runtime}"
