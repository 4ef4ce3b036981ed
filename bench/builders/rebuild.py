"""`python -m bench.builders.rebuild [--weights MIB]`: counts the bytes that a rebuild pushes, and compares digests."""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import harness
from bench.builders import programs
from bench.builders.counted import Counter, counted
from bench.builders.programs import Target
from bench.builders.site import MIB, Site, make_context, site
from bench.harness import Figure

OTHER_DAY = 1_000_000_000
"""A time in 2001, for the files of the second copy of a context."""
OTHER_USER = 4711


WAYS = ("Append", "Kaniko", "Kaniko reproducible")


@dataclass(frozen=True)
class Pushed:
    """One build: the image in the registry, and the bytes that the registry received."""

    digest: str
    layers: Mapping[str, int]
    """Digest -> bytes."""
    received: int


class Bench:
    """One builder and one repository."""

    def __init__(self, name: str, place: Site, counter: Counter, folder: Path) -> None:
        self._build = programs.BUILDERS[name]
        self._repository = f"bench/{name.lower().replace(' ', '-')}"
        self._place = place
        self._counter = counter
        self._folder = folder
        self._base = place.base.replace(place.host, counter.host)

    def push(self, tag: str, weights: int, *, elsewhere: bool = False, **changes: object) -> Pushed:
        """Writes a context and builds it; with `elsewhere`, in another folder and with other times.

        With Append also as another user. Kaniko keeps file owners, which are the same in every pod.
        """
        workspace = self._folder / (f"workspace-{tag}" if elsewhere else "workspace")
        make_context(workspace, self._base, weights, **changes)
        if elsewhere:
            for path in workspace.rglob("*"):
                os.utime(path, (OTHER_DAY, OTHER_DAY))
                if self._build is programs.append:
                    os.chown(path, OTHER_USER, OTHER_USER)
        self._counter.take()
        self._build(workspace, Target(f"{self._counter.host}/{self._repository}", tag))
        received = self._counter.take()
        found = self._place.registry().manifest(self._place.image(self._repository), tag)
        if found is None:
            raise RuntimeError(f"{self._repository}:{tag} does not exist")
        layers = {layer["digest"]: layer["size"] for layer in json.loads(found.data)["layers"]}
        return Pushed(found.digest, layers, received)


def figures(name: str, bench: Bench, weights: int) -> list[Figure]:
    """The figures of a first build and of single changes."""
    first = bench.push("first", weights)
    code = bench.push("code", weights, code="print(2)\n")
    heavy = bench.push("weights", weights, seed=3)
    again = bench.push("again", weights, elsewhere=True)
    whole = sum(first.layers.values())
    new = {digest: size for digest, size in heavy.layers.items() if digest not in first.layers}
    return [
        Figure(f"{name}: bytes received, first push", "bytes", first.received, whole),
        Figure(f"{name}: bytes received after a code-only change", "bytes", code.received, whole, _aim(name, "0.01")),
        Figure(f"{name}: bytes received after a weights-only change", "bytes", heavy.received, whole),
        Figure(f"{name}: layers that differ after a weights-only change", "layers", len(new), None, _aim(name, "1")),
        Figure(
            f"{name}: equal content from another folder and day has the equal digest",
            "1 = yes",
            float(again.digest == first.digest),
            None,
            "" if name == "Kaniko" else "1",
        ),
    ]


def _aim(name: str, aim: str) -> str:
    return f"ratio {aim} or less" if name == "Append" and "." in aim else aim if name == "Append" else ""


def main(weights: int) -> None:
    """Writes out/bench/rebuild.json and the table in docs/operations/benchmarks.md."""
    found: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        site(Path(folder, "registry")) as place,
        counted(place.host) as counter,
    ):
        for name in WAYS:
            found += figures(name, Bench(name, place, counter, Path(folder, name)), weights)
    setting = (
        f"{weights // MIB} MiB of incompressible weights on a base of 64 MiB. Received: all bytes that a proxy before "
        "the registry passes to it, requests and headers included. Baseline: the bytes of the image's layers."
    )
    harness.report("rebuild", found, "make bench-rebuild", setting)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.builders.rebuild", description=__doc__)
    parser.add_argument("--weights", type=int, default=100, help="MiB")
    main(parser.parse_args().weights * MIB)
