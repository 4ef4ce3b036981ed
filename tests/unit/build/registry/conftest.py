"""Faulty registries, and clients of them."""

import base64
from collections.abc import Callable, Iterator

import pytest

from inference_image_build.registry.client import Registry
from tests.support.registries.faulty import FaultyRegistry, serve_faulty

USER, PASSWORD = "me", "canary-password"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@pytest.fixture
def faulty(tls) -> Iterator[FaultyRegistry]:
    with serve_faulty(tls) as registry:
        yield registry


@pytest.fixture
def other(tls) -> Iterator[FaultyRegistry]:
    """Another origin: the same name at another port."""
    with serve_faulty(tls) as registry:
        yield registry


@pytest.fixture
def client(faulty, connect, tls) -> Callable[..., Registry]:
    """client(**settings) -> our client with a login for the faulty registry, which it may push to."""

    def make(**settings) -> Registry:
        return connect(faulty.host, USER, PASSWORD, ca=tls.ca, **({"allowed_hosts": (faulty.host,)} | settings))

    return make


@pytest.fixture
def no_waiting(monkeypatch) -> list[float]:
    """The pauses between attempts, which are not waited for."""
    found: list[float] = []
    monkeypatch.setattr("inference_image_build.registry.http.time.sleep", found.append)
    return found
