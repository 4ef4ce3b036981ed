"""End to end on the real kubelet: the stack of the demo, started once and kept."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import install, seed_run
from demo.scenario import OBJECT_DETECT
from devcluster import __main__ as devcluster
from devcluster import cluster, fixture, settings
from devcluster.images import catalog
from devcluster.lib.locks import locked
from tests.e2e import git_host as git_hosts
from tests.e2e.stack import Case


@pytest.fixture(scope="session", autouse=True)
def stack() -> None:
    """Cluster, images, object store and operator; what stands already is left as it is. One worker at a time."""
    with locked(settings.STATE / "e2e.lock"):
        with devcluster.alone():
            devcluster.prepare()
            cluster.up()
            references = catalog.push_all(catalog.build_all())
        fixture.fixture()
        seed_run.run(OBJECT_DETECT)
        install.operator(references)
    os.environ["KUBECONFIG"] = str(settings.STATE / "kubeconfig")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Callable[[], Case]:
    """The case of this test, named after it."""
    return Case(re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40].strip("-"))


@pytest.fixture
def git_host(tmp_path: Path) -> Iterator[git_hosts.GitHost]:
    """A repository with the example's code that pods reach."""
    with git_hosts.serve(tmp_path) as found:
        yield found
