"""KServe's own controller and webhooks beside the operator, on a control plane whose kubelet the test plays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import binaries
from devcluster.controlplane import CONTROLLERS, ControlPlane, control_plane
from tests.kserve.controller import Controller
from tests.loop.api import Api
from tests.loop.conftest import Operator, install_crd, namespace  # noqa: F401 - a fixture
from tests.loop.pipeline import Pipeline


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    binaries.ensure(binaries.KSERVE)
    with control_plane([*CONTROLLERS, "deployment-controller", "replicaset-controller"]) as found:
        yield found


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    found = Api(plane)
    install_crd(found)
    return found


@pytest.fixture(scope="session")
def controller(plane: ControlPlane, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    found = Controller(plane, api, tmp_path_factory.mktemp("kserve"))
    found.install()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def operator(plane: ControlPlane, api: Api, namespace: str, tmp_path: Path) -> Iterator[Operator]:  # noqa: F811
    found = Operator(plane, api, namespace, tmp_path, rollout={"allowed": ["InferenceService"]}).start()
    yield found
    if found.running:
        found.kill()


@pytest.fixture
def pipeline(api: Api, namespace: str, operator: Operator) -> Pipeline:  # noqa: F811
    return Pipeline(api, namespace, operator)
