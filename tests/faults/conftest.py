"""One control plane for all tests of a process, benches with a final check, and the table of rows."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.faults.harness.plane import Plane, fault_plane
from tests.faults.harness.proxy import Loop, proxies
from tests.faults.harness.subject import Bench, Ground, bench
from tests.faults.image import objects
from tests.faults.image.invariants import violations
from tests.faults.image.subject import SUBJECT

FULL = os.environ.get("FULL") == "1"
"""Whether faults last as long as required; otherwise some are shorter (docs/operations/reliability.md)."""

CONTROLLERS = ("resourcequota-controller", "pod-garbage-collector-controller")

MakeBench = Callable[..., Bench]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: left out of the fast selection")


@pytest.fixture(scope="session")
def plane() -> Iterator[Plane]:
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as directory,
        fault_plane(SUBJECT.stage_label, SUBJECT.audited, Path(directory), CONTROLLERS) as found,
    ):
        SUBJECT.install(found.api())
        yield found


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    with proxies() as found:
        yield found


@pytest.fixture
def ground(plane: Plane, loop: Loop, tmp_path: Path) -> Ground:
    return Ground(plane, loop, tmp_path)


@pytest.fixture
def make_bench(ground: Ground) -> Iterator[MakeBench]:
    """Makes benches, not started. At the end, stops them all and checks the invariants."""
    made: list[Bench] = []

    def make(outcomes: Mapping[str, str] = objects.ALL_DONE, **settings: object) -> Bench:
        found = bench(ground, SUBJECT, outcomes, **settings)
        made.append(found)
        return found

    yield make
    for found in made:
        found.operator.stop()
        found.proxy.stop()
    assert [breach for found in made for breach in violations(found.audited())] == []
