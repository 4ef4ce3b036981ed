"""The official SDK, pointed at a stand-in of each test."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from ufile import config, filemanager, httprequest, multipartuploadufile

from devcluster.ufile import KeyPair, StandIn, running

KEYS = (
    KeyPair("PUB", "PRIV"),
    KeyPair("READER", "reader-key", operations=("download", "list")),
    KeyPair("ELSEWHERE", "elsewhere-key", buckets=("other",)),
)


@pytest.fixture(autouse=True)
def _quiet_sdk() -> Iterator[None]:
    logger = logging.getLogger("UCLOUD")
    before = logger.disabled
    logger.disabled = True
    config.set_default(connection_timeout=60)
    yield
    logger.disabled = before
    with contextlib.suppress(Exception):
        httprequest.requests.close()


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    with running(tmp_path / "data", KEYS, ("127", "other")) as standin:
        yield standin


@pytest.fixture
def files(standin: StandIn) -> filemanager.FileManager:
    return filemanager.FileManager("PUB", "PRIV", standin.suffix, standin.suffix)


@pytest.fixture
def parts(standin: StandIn) -> multipartuploadufile.MultipartUploadUFile:
    return multipartuploadufile.MultipartUploadUFile("PUB", "PRIV", standin.suffix)
