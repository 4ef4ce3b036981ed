"""A control plane with Flux, the operator as a process, and a Git repository. The test plays the kubelet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.controlplane import ControlPlane, Program
from tests.gitops.flux import flux, told
from tests.gitops.repository import served
from tests.gitops.runs import runs_of
from tests.gitops.walk import Walk
from tests.loop.api import Api
from tests.loop.conftest import api, namespace, plane  # noqa: F401 - fixtures
from tests.loop.pipeline import Pipeline


@pytest.fixture(scope="session")
def controllers(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Program]]:
    with flux(plane, api, tmp_path_factory.mktemp("flux")) as found:
        yield found


@pytest.fixture
def pipeline(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    namespace: str,  # noqa: F811
    tmp_path: Path,
) -> Iterator[Pipeline]:
    with runs_of(plane, api, namespace, tmp_path, rollout="ConfigMap") as found:
        yield found


@pytest.fixture
def walk(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    controllers: dict[str, Program],
    pipeline: Pipeline,
    tmp_path: Path,
) -> Iterator[Walk]:
    """A failure prints the end of the controllers' logs."""
    folder = tmp_path / "reader"
    folder.mkdir()
    with served(tmp_path) as address:
        yield Walk(plane, api, pipeline, folder, address)
    print(told(controllers))
