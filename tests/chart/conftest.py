"""Programs that read the chart and what belongs to it, each built from its Go module."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import binaries, settings, versions
from devcluster.lib.run import run

CHART = settings.REPOSITORY / "deploy" / "helm"
TEST_VALUES = CHART / "ci" / "test-values.yaml"

Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def helm_template() -> Callable[..., Objects]:
    """The objects of the chart with `helm template`'s arguments, for the test values."""
    helm = binaries.ensure(binaries.HELM)["helm"]

    def render(*arguments: str | Path) -> Objects:
        values = (f"--values={TEST_VALUES}", f"--kube-version={versions.chosen().release}")
        text = run([helm, "template", "inference-image-operator", CHART, "--namespace=system", *values, *arguments])
        return [found for found in yaml.safe_load_all(text) if found]

    return render


@pytest.fixture(scope="session")
def kubectl_kustomize() -> Callable[[Path], Objects]:
    """The objects of a folder, by the Kustomize in kubectl."""
    kubectl = binaries.ensure(binaries.kubernetes(versions.chosen()))["kubectl"]
    return lambda folder: [*yaml.safe_load_all(run([kubectl, "kustomize", folder]))]
