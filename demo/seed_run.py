"""Runs programs of the demo inside the cluster's network, with the stand-ins' credentials in their environment."""

import json
import os
from pathlib import Path

from demo.scenario import Scenario
from devcluster import settings
from devcluster.certs import credentials
from devcluster.fixture import PYTHON
from devcluster.lib.run import run as run_program
from devcluster.node import inside


def run_inside(*arguments: str, python: Path = PYTHON, text: str | None = None) -> str:
    """Runs `python ARGUMENTS` and returns its output; raises CommandError."""
    public, private = credentials.ufile_keys()
    environment = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "REGISTRY_LOGIN": json.dumps([settings.REGISTRY_USER, credentials.registry_password()]),
        "UFILE_PUBLIC_KEY": public,
        "UFILE_PRIVATE_KEY": private,
    }
    command = inside.argv([python, *arguments])
    return run_program(command, env=environment, cwd=settings.REPOSITORY, text=text, timeout=600)


def run(scenario: Scenario) -> int:
    """Uploads the fixture and the example; returns how many objects were new or had changed."""
    return int(run_inside("-m", "demo.seed", scenario.title))
