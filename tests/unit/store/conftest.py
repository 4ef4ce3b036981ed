"""A stand-in and a store for each test, with very short pauses."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devcluster.ufile import KeyPair, StandIn, running
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store

KEYS = (
    KeyPair("CANARY-PUBLIC-KEY", "CANARY-PRIVATE-KEY"),
    KeyPair("TOKEN_READER", "reader-key", operations=("download", "list")),
    KeyPair("TOKEN_KEEPER", "keeper-key", overwrite=False),
    KeyPair("STS.CANARY-TEMPORARY", "CANARY-STS-KEY", security_token="CANARY-SECURITY-TOKEN", expires=4_000_000_000.0),
)


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    with running(tmp_path / "data", KEYS) as standin:
        yield standin


@pytest.fixture
def connect(standin: StandIn) -> Callable[..., Store]:
    """Makes stores on the stand-in, with other keys, buckets or endpoints on request."""

    def connect(
        public: str = "CANARY-PUBLIC-KEY",
        private: str = "CANARY-PRIVATE-KEY",
        location: UFile | None = None,
        token: str = "",
    ) -> Store:
        location = location or UFile(bucket="127", scheme="http", suffix=standin.suffix)
        return Store(location, Credentials(public, private, token), timeout=(60.0, 60.0), retries=2, first_pause=0.001)

    return connect


@pytest.fixture
def impatient(standin: StandIn) -> Store:
    """A store with a short timeout; it retries very often, because a busy machine may be slow as well."""
    return _impatient(standin, retries=40)


@pytest.fixture
def giving_up(standin: StandIn) -> Store:
    """A store with a short timeout that soon gives up."""
    return _impatient(standin, retries=2)


def _impatient(standin: StandIn, retries: int) -> Store:
    location = UFile(bucket="127", scheme="http", suffix=standin.suffix)
    keys = Credentials(KEYS[0].public_key, KEYS[0].private_key)
    return Store(location, keys, timeout=(60.0, 0.5), retries=retries, first_pause=0.001)


@pytest.fixture
def store(connect: Callable[..., Store]) -> Store:
    return connect()
