"""The chart's NetworkPolicies do what they say, on a cluster with a network plugin that enforces them (kube-router).

Each row is probed twice: without the policies every target is reached, with them only the allowed ones.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from demo import kubectl
from devcluster import settings
from tests.network import outside, pods

DEADLINE = 180.0
TICK = 0.5

METADATA, UCLOUD_METADATA = "169.254.169.254", "100.80.80.80"
UNLISTED, PUBLIC = "10.66.0.10", "203.0.113.10"
NODE = f"{settings.NODE_ADDRESS}/32"
POLICIES = {"stepAllowed": [NODE], "dnsAllowed": [NODE]}
"""US3, the registry and a DNS server are at a private address, as in UCloud's network: the installation lists it."""
FIXED = {
    "DNS of the node": settings.NODE_ADDRESS,
    "US3": settings.NODE_ADDRESS,
    "registry": settings.NODE_ADDRESS,
    "API server": settings.SERVICE_ADDRESS,
    "metadata": METADATA,
    "UCloud's metadata": UCLOUD_METADATA,
    "unlisted private": UNLISTED,
    "public": PUBLIC,
}


class Row(NamedTuple):
    """Whether a pod may reach a port of a target."""

    pod: str
    target: str
    port: int
    allowed: bool
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.pod} to {self.target}:{self.port} {self.protocol}"


ROWS = (
    Row("steps", "dns", 53, True, "dns"),
    Row("steps", "dns", 53, True),
    Row("steps", "DNS of the node", 53, True, "dns"),
    Row("steps", "US3", 80, True),
    Row("steps", "registry", 443, True),
    Row("steps", "public", 80, True),
    Row("steps", "public", 443, True),
    Row("steps", "public", 8443, False),
    Row("steps", "metadata", 80, False),
    Row("steps", "UCloud's metadata", 80, False),
    Row("steps", "unlisted private", 443, False),
    Row("steps", "neighbour", 8080, False),
    Row("steps", "neighbour", 443, False),
    Row("steps", "operator", 8081, False),
    Row("steps", "API server", 443, False),
    Row("operator", "dns", 53, True, "dns"),
    Row("operator", "DNS of the node", 53, True, "dns"),
    Row("operator", "API server", 443, True),
    Row("operator", "US3", 80, False),
    Row("operator", "metadata", 80, False),
    Row("operator", "UCloud's metadata", 80, False),
    Row("operator", "neighbour", 8080, False),
    Row("neighbour", "steps", 8080, False),
    Row("operator", "steps", 8080, False),
    Row("neighbour", "operator", 8081, True),
    Row("neighbour", "operator", 8080, False),
    Row("neighbour", "metadata", 80, True),
)

Verdicts = dict[Row, bool]


def probed(addresses: dict[str, str]) -> Verdicts:
    """What each row's pod reaches now."""
    found: Verdicts = {}
    for pod in {row.pod for row in ROWS}:
        rows = [row for row in ROWS if row.pod == pod]
        targets = [(row.protocol, addresses[row.target], row.port) for row in rows]
        found |= dict(zip(rows, pods.probe(pod, targets), strict=True))
    return found


def probed_until(addresses: dict[str, str], expected: Verdicts) -> Verdicts:
    """Probes until all is as expected; at the deadline, what it is then."""
    deadline = time.monotonic() + DEADLINE
    while (found := probed(addresses)) != expected and time.monotonic() < deadline:
        time.sleep(TICK)
    return found


@pytest.fixture(scope="module")
def verdicts(image: str) -> Iterator[tuple[Verdicts, Verdicts]]:
    """What the pods reach without the policies, and with them."""
    objects = pods.rendered(POLICIES)
    with outside.serve([METADATA, UCLOUD_METADATA, UNLISTED, PUBLIC], [80, 443, 8443]):
        addresses = pods.start(image, objects) | FIXED
        before = probed_until(addresses, dict.fromkeys(ROWS, True))
        kubectl.apply(*(document for document in objects if document["kind"] == "NetworkPolicy"))
        yield before, probed_until(addresses, {row: row.allowed for row in ROWS})


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_pod_reaches_what_its_policy_allows(row: Row, verdicts: tuple[Verdicts, Verdicts]) -> None:
    without, with_policies = verdicts
    assert without[row], "the target does not answer, whatever the policies say"
    assert with_policies[row] is row.allowed
