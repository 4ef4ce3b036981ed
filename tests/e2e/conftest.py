"""End-to-end tests on the real kubelet: the stack of the demo, started once and kept."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import git_host as git_hosts
from tests.e2e.stack import Case, start


@pytest.fixture(scope="session", autouse=True)
def stack() -> None:
    """Cluster, images, object store and operator; existing parts are reused. One worker at a time."""
    start()


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Callable[[], Case]:
    """The case of this test, named after it."""
    return Case(re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40].strip("-"))


@pytest.fixture
def git_host(tmp_path: Path) -> Iterator[git_hosts.GitHost]:
    """A Git repository with the example's code, reachable from pods."""
    with git_hosts.serve(tmp_path) as found:
        yield found
