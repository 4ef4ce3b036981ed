"""KServe's own controller and webhooks beside the operator, on a control plane whose kubelet the test plays."""

from collections.abc import Iterator

import pytest

from devcluster.controlplane import ControlPlane
from tests.kserve.controller import Controller
from tests.loop.api import Api
from tests.loop.conftest import api, namespace, pipeline, plane  # noqa: F401 - fixtures
from tests.loop.test_kserve import operator  # noqa: F401 - a fixture


@pytest.fixture(scope="session")
def controller(
    plane: ControlPlane,  # noqa: F811
    api: Api,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Controller]:
    found = Controller(plane, api, tmp_path_factory.mktemp("kserve"))
    found.install()
    found.start()
    yield found
    found.stop()
