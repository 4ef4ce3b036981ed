"""A cluster of its own that enforces NetworkPolicies."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from devcluster import settings
from devcluster.images import catalog


def devcluster(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "devcluster", *words], cwd=settings.REPOSITORY, check=True)


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """Starts the cluster, and stops it at the end. Yields the base image by digest."""
    devcluster("up", "--network-policies")
    yield catalog.push_all(catalog.build_all([]))["base"]
    devcluster("down")
