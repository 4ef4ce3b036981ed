"""A control plane with Argo CD, the operator as a process, and a Git repository. The test plays the kubelet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.controlplane import ControlPlane
from tests.argocd.installation import ArgoCD, argo_cd
from tests.argocd.walk import Walk
from tests.gitops.repository import served
from tests.gitops.runs import runs_of
from tests.loop.api import Api
from tests.loop.conftest import api, namespace, plane  # noqa: F401 - fixtures
from tests.loop.pipeline import Pipeline


@pytest.fixture(scope="session")
def argocd(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ArgoCD]:
    with argo_cd(plane, api, tmp_path_factory.mktemp("argocd")) as found:
        yield found


@pytest.fixture
def pipeline(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Pipeline]:
    with runs_of(plane, api, namespace, tmp_path, rollout="Deployment") as found:
        yield found


@pytest.fixture
def walk(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    argocd: ArgoCD,
    pipeline: Pipeline,
    tmp_path: Path,
) -> Iterator[Walk]:
    """A failure prints the end of Argo CD's logs."""
    folder = tmp_path / "reader"
    folder.mkdir()
    with served(tmp_path) as address:
        found = Walk(plane, api, pipeline, folder, address)
        found.install(argocd.program, {"ARGOCD_SERVER": argocd.server, "ARGOCD_OPTS": "--plaintext"})
        yield found
        print(argocd.told())
        found.end()
