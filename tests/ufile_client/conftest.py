"""UCloud's SDK for Java as a process that is asked line by line, on a stand-in that others use, too."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ufile import filemanager

from devcluster.settings import REPOSITORY
from devcluster.ufile import KeyPair, StandIn, running
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store
from tests.unit.ufile_standin.conftest import _quiet_sdk

__all__ = ["_quiet_sdk"]

JARS = REPOSITORY / "out" / "ufile-client"
"""Where `make test-ufile-client` puts the SDK for Java."""
PUBLIC_KEY, PRIVATE_KEY = "public-key-of-the-tests", "private-key-of-the-tests"


class Client:
    """Client.java. Its standard error is the test's."""

    def __init__(self, standin: StandIn, private_key: str) -> None:
        endpoint = f"http://{standin.bucket}{standin.suffix}"
        source = Path(__file__).with_name("Client.java")
        self.process = subprocess.Popen(
            ["java", "-cp", f"{JARS}/*", source, endpoint, standin.bucket],
            env={**os.environ, "PUBLIC_KEY": PUBLIC_KEY, "PRIVATE_KEY": private_key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __call__(self, operation: str, **fields: object) -> dict:
        """What the SDK returns for an operation of Client.java."""
        print(json.dumps({"do": operation, **fields}, default=str), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, "the client ended"
        return json.loads(line)


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with running(tmp_path_factory.mktemp("data"), [KeyPair(PUBLIC_KEY, PRIVATE_KEY)]) as standin:
        yield standin


@pytest.fixture(scope="session")
def client_with(standin: StandIn) -> Iterator[Callable[[str], Client]]:
    """Starts a client with that private key."""
    started = []

    def start(private_key: str) -> Client:
        started.append(Client(standin, private_key))
        return started[-1]

    yield start
    for client in started:
        client.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def client(client_with: Callable[[str], Client]) -> Client:
    return client_with(PRIVATE_KEY)


@pytest.fixture
def store(standin: StandIn) -> Store:
    location = UFile(bucket=standin.bucket, scheme="http", suffix=standin.suffix)
    return Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY), retries=1)


@pytest.fixture
def for_python(standin: StandIn) -> filemanager.FileManager:
    """The SDK for Python."""
    return filemanager.FileManager(PUBLIC_KEY, PRIVATE_KEY, standin.suffix, standin.suffix)
