"""docs/operations/sizing.md has the figures of the code: requests per stage, pipelines per node, disk of a build."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from inference_image_operator.api.quantities import quantity
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.jobs import ContainerDefaults
from inference_image_operator.jobs.sizing import disk
from tests.support.world import World

PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "sizing.md").read_text()
GIB = 1 << 30
RESERVED_CPU = Decimal("0.2")
RESERVED_GIB, EVICTED = 1, Decimal("0.05")
PODS_PER_CORE = 8

APPEND = {"build": {"builder": "Append"}}
MATCH = {"test": {"sample": "a.png", "matchGraph": True}}
PODS: dict[str, tuple[Stage, dict[str, Any]]] = {
    "Resolve": (Stage.RESOLVE, {}),
    "Export": (Stage.EXPORT, {}),
    "Build, Kaniko": (Stage.BUILD, {}),
    "Build, Append": (Stage.BUILD, APPEND),
    "Test": (Stage.TEST, {}),
    "Test, `matchGraph`": (Stage.TEST, MATCH),
    "Publish": (Stage.PUBLISH, {}),
}


def row(first: str) -> list[str]:
    """The cells after the first one of the only row with this first cell."""
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in found.strip("|").split("|")[1:]]


def total(pod: dict[str, Any], kind: str, name: str) -> Decimal:
    """The request of a pod as Kubernetes computes it: sidecars run together with everything after them."""

    def of(container: dict[str, Any]) -> Decimal:
        return quantity(container["resources"][kind].get(name, 0))

    sidecars = most = Decimal(0)
    for container in pod.get("initContainers", []):
        most = max(most, sidecars + of(container))
        sidecars += of(container) if container.get("restartPolicy") == "Always" else 0
    return max(most, sidecars + sum(map(of, pod["containers"])))


@pytest.mark.parametrize("name", PODS)
def test_requests_of_a_stage(name: str) -> None:
    stage, changes = PODS[name]
    world = World()
    world.spec |= changes
    world.run_to(stage)
    pod = msgspec.to_builtins(world.created[-1]["spec"]["template"]["spec"])
    cpu, memory, limit, _ = row(name)
    assert quantity(cpu) == total(pod, "requests", "cpu")
    assert quantity(memory) == total(pod, "requests", "memory")
    assert quantity(limit) == total(pod, "limits", "memory")


@pytest.mark.parametrize(("cores", "gib"), [(2, 4), (4, 8), (8, 16), (16, 32)])
def test_pipelines_that_fit_a_node(cores: int, gib: int) -> None:
    export = ContainerDefaults().export
    cpu = cores - RESERVED_CPU
    memory = gib - RESERVED_GIB - EVICTED * gib
    by_requests = min(cpu // quantity(export.requests["cpu"]), memory * GIB // quantity(export.requests["memory"]))
    at_limits = min(cpu // quantity(export.requests["cpu"]), memory * GIB // quantity(export.limits["memory"]))
    numbers = [cpu, memory, cores * PODS_PER_CORE, by_requests, at_limits]
    assert list(map(Decimal, row(f"{cores} cores, {gib} GiB"))) == numbers


def test_formulas_of_the_disk() -> None:
    mib, base, context = 1 << 20, 1000, 10
    assert disk.kaniko(context, base) == 64 * mib + 5 * base + 2 * context
    assert disk.export(context) == 256 * mib + 4 * context
    assert disk.workspace(8000) == 64 * mib + 9000
    assert Decimal("1.25") * GIB == disk.DOWNLOAD
    assert disk.depot(context, base, reproducible=False) == 64 * mib + base + context
    assert disk.depot(context, base, reproducible=True) == 64 * mib + 2 * base + context
    kaniko, depot = row("Build, Kaniko")[-1].split(", and for the depot ")
    assert kaniko == "64 MiB + 5 x compressed base + 2 x context"
    assert depot == "64 MiB + compressed base (twice with `reproducible`) + context"
    assert row("Export")[-1].startswith("256 MiB + 4 x ")
    assert "64 MiB + 1.125 x context" in PAGE


@pytest.mark.parametrize("base", ["0.3", "1", "2", "4"])
def test_disk_of_a_build(base: str) -> None:
    context = 200 * 10**6
    size = int(Decimal(base) * 10**9)
    wanted = [disk.kaniko(context, size), disk.depot(context, size, reproducible=False), disk.workspace(context)]
    assert row(f"{base} GB") == [f"{round(size / 1e9, 1)} GB" for size in wanted]


def test_what_images_take_is_their_sum() -> None:
    images = re.findall(
        r"^\| (?:`\w+`|the base [^|]+) \| ([\d,]+) MB \| ([\d,]+) MB \| ([\d,]+) MB \|$", PAGE, re.MULTILINE
    )
    numbers = [[int(cell.replace(",", "")) for cell in cells] for cells in images]
    assert len(numbers) == 5
    assert [compressed + unpacked for compressed, unpacked, _ in numbers] == [both for _, _, both in numbers]
    shared = 3 * (48 + 120)  # the Debian base, which four of the five have and the node keeps once
    assert f"take {round((sum(both for _, _, both in numbers) - shared) / 1000, 1)} GB of a node" in PAGE
