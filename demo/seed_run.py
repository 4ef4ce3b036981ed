"""Starts programs of the demo in the TensorFlow environment, inside the cluster's network."""

import os

from devcluster import inside, settings
from devcluster.fixture import PYTHON, Fixture
from devcluster.run import run as run_program

_ROOTS = (".", "object_store", "job_contract")


def run_inside(*arguments: str) -> str:
    """Runs `python ARGUMENTS` there and returns what it prints; raises CommandError."""
    paths = os.pathsep.join(str(settings.REPOSITORY / root) for root in _ROOTS)
    environment = {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return run_program(inside.argv([PYTHON, *arguments]), env=environment, cwd=settings.REPOSITORY, timeout=600)


def run(trained: Fixture) -> int:
    """Uploads the fixture and the example; returns how many objects were new or had changed."""
    return int(run_inside("-m", "demo.seed", str(trained.directory)))
