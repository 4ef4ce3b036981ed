"""The running development cluster, and a second clone for destructive tests."""

import json
import shutil
import subprocess
import sys

import pytest

from devcluster import settings


@pytest.fixture(scope="session")
def cluster():
    """Starts the cluster unless it runs; it stays up, as after `make cluster-up`."""
    subprocess.run([sys.executable, "-m", "devcluster", "up"], cwd=settings.REPOSITORY, check=True)


class Clone:
    """Another working copy with its own cluster."""

    def __init__(self, directory):
        self.directory = directory

    def command(self, name):
        argv = [sys.executable, "-m", "devcluster", name]
        return subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, check=True).stdout

    def record(self):
        return json.loads((self.directory / ".devcluster" / "run" / "supervisor.json").read_text())


@pytest.fixture
def clone(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(settings.REPOSITORY / "devcluster", tmp_path / "devcluster", ignore=ignored)
    made = Clone(tmp_path)
    yield made
    made.command("down")
