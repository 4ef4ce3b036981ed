"""`python -m bench.builders.build [--sizes MB,MB]`: builders beside buildah, on equal contexts."""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import harness
from bench.builders import programs
from bench.builders.programs import Cost, Target
from bench.builders.site import MIB, Site, make_context, site
from bench.harness import Figure

MB = 1_000_000
SIZES = "100,1000,4000"
LIMIT = 128 * MIB
"""The default memory limit of the container `append`, which applies here too."""
REPRODUCIBLE = "Kaniko reproducible"
IN_MEMORY = 1000 * MB
"""The largest weights for a builder that keeps layers in memory."""
MEMORY = Path("/sys/fs/cgroup/memory")
UNIFIED = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def limited(size: int) -> Iterator[str]:
    """A cgroup with this memory limit, including page cache; cgroup v1 or v2. Needs root."""
    parent, name = (MEMORY, "memory.limit_in_bytes") if MEMORY.exists() else (UNIFIED, "memory.max")
    group = parent / "inference-image-bench"
    group.mkdir(exist_ok=True)
    try:
        (group / name).write_text(str(size))
        yield str(group)
    finally:
        group.rmdir()


def run(name: str, place: Site, workspace: Path) -> Cost:
    """One build into an empty repository."""
    target = Target(f"{place.host}/bench/{name.lower().replace(' ', '-')}", "bench")
    if name != "Append":
        return programs.BUILDERS[name](workspace, target)
    with limited(LIMIT) as cgroup:
        return programs.append(workspace, target, cgroup=cgroup)


def figures(size: int) -> list[Figure]:
    """Time and peak memory of each builder at one size of weights, in bytes."""
    costs, pushed = {}, {}
    for name in programs.BUILDERS:
        if name == REPRODUCIBLE and size > IN_MEMORY:
            continue
        # a separate registry for each, so that the disk holds one image at a time
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, site(Path(folder, "registry")) as place:
            make_context(Path(folder, "workspace"), place.base, size)
            before = place.kept
            costs[name] = run(name, place, Path(folder, "workspace"))
            pushed[name] = place.kept - before
            print(f"{size // MB} MB, {name}: {costs[name]}", flush=True)
    plain = costs.pop("buildah")
    label = f"{size // MB:,} MB"
    return [
        figure
        for name, cost in costs.items()
        for figure in (
            Figure(f"{name}, {label}: time", "s", cost.seconds, plain.seconds),
            Figure(
                f"{name}, {label}: peak resident memory",
                "MiB",
                cost.peak_bytes / MIB,
                plain.peak_bytes / MIB,
                f"{LIMIT // MIB} or less" if name == "Append" else "",
            ),
            Figure(
                f"{name}, {label}: pushed, as the registry keeps it", "MB", pushed[name] / MB, pushed["buildah"] / MB
            ),
        )
    ]


def main(sizes: list[int]) -> None:
    """Writes out/bench/build.json and the table in docs/operations/benchmarks.md."""
    before = harness.load()
    found = [figure for size in sizes for figure in figures(size * MB)]
    setting = (
        "Incompressible weights on a base of 64 MiB, to a docker-registry on loopback without TLS; baseline: `buildah "
        f"build` and `push` with an empty storage. Append runs in a cgroup limited to {LIMIT // MIB} MiB, its default "
        f"limit; load {before:.3g} before."
    )
    harness.report("build", found, "make bench-build", setting)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.builders.build", description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help="megabytes of weights, separated by commas")
    main([int(size) for size in parser.parse_args().sizes.split(",")])
