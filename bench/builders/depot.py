"""`python -m bench.builders.depot [--base MB] [--weights MB]`: Kaniko with a depot, as in a pod, or with the login.

Also how tests build as a pod does: `kaniko`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import harness
from bench.builders import programs
from bench.builders.programs import Cost, Target
from bench.builders.site import MIB, client, make_context, site
from bench.harness import Figure
from devcluster import settings
from devcluster.lib import ports
from devcluster.lib.in_thread import serving
from inference_image_build.depot.pull import pull
from inference_image_build.depot.push import push
from inference_image_build.depot.server import Server, serve
from inference_image_build.depot.store import Depot
from inference_image_build.registry.client import Registry
from inference_image_contract import inputs

MB = 1_000_000
RUN = 'USER 0\nRUN ["/kaniko/executor", "version"]\n'
"""Makes Kaniko unpack the base, which has no program of its own."""
_STEP = "import sys; from bench.builders import depot; depot.step(*sys.argv[1:])"


class Parts(NamedTuple):
    """What each container costs."""

    pull: Cost
    depot: int
    """Peak resident set in bytes."""
    kaniko: Cost
    push: Cost
    kept: int
    """Bytes in the depot."""


def kaniko(workspace: Path, target: Target, *flags: str, registry: Registry | None = None) -> Cost:
    """Kaniko without a login, between `pull` and `report`. `registry` is our client, by default one without a login."""
    registry, begin = registry or client(target.host), time.monotonic()
    with tempfile.TemporaryDirectory(dir=workspace.parent) as folder:
        depot = Depot(Path(folder))
        pull(_pull(target), registry, workspace / "Dockerfile", depot)
        with serving(Server(depot, "127.0.0.1", 0)) as server:
            cost = programs.kaniko(workspace, *_at(server.server_port, target), *flags)
        push(_push(target), registry, depot)
    return Cost(time.monotonic() - begin, cost.peak_bytes)


def _at(port: int, target: Target) -> tuple[Target, str, str, str, str]:
    """Where Kaniko pushes to, and the flags with which it pulls from the depot."""
    place = f"127.0.0.1:{port}"
    return (
        Target(f"{place}/image", target.tag),
        f"--registry-map={target.host}={place}/base",
        "--skip-default-registry-fallback",
        "--skip-push-permission-check",
        "--image-download-retry=3",
    )


def _pull(target: Target) -> inputs.PullInput:
    return inputs.PullInput(registry=inputs.Registry(repository=target.repository), dockerfile="Dockerfile")


def _push(target: Target) -> inputs.ReportInput:
    return inputs.ReportInput(registry=inputs.Registry(repository=target.repository), content_tag=target.tag)


def step(name: str, folder: str, workspace: str, repository: str, tag: str) -> None:
    """One of our steps as a process of its own, to measure it. `tag` is the port for the step `serve`."""
    depot, target = Depot(Path(folder)), Target(repository, tag)
    match name:
        case "pull":
            pull(_pull(target), client(target.host), Path(workspace) / "Dockerfile", depot)
        case "push":
            push(_push(target), client(target.host), depot)
        case "serve":
            serve(depot, "127.0.0.1", int(tag))


def measured(workspace: Path, target: Target, *flags: str) -> Parts:
    """The cost of each container of a build with a depot."""
    path = ":".join(str(settings.REPOSITORY / part) for part in ("", "job_contract", "object_store", "build_job"))
    environment, port = os.environ | {"PYTHONPATH": path}, ports.reserve(1)[0]

    def words(name: str, tag: str) -> list[str]:
        return [sys.executable, "-c", _STEP, name, folder, str(workspace), target.repository, tag]

    with tempfile.TemporaryDirectory(dir=workspace.parent) as folder:
        pulled = programs.measured([words("pull", target.tag)], env=environment)
        server = subprocess.Popen(words("serve", str(port)), cwd=settings.REPOSITORY, env=environment)
        try:
            built = programs.kaniko(workspace, *_at(port, target), *flags)
            peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
        finally:
            server.terminate()
            server.wait()
        pushed = programs.measured([words("push", target.tag)], env=environment)
        kept = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return Parts(pulled, int(peak[1]) << 10 if peak else 0, built, pushed, kept)


def main(base: int, weights: int) -> None:
    """Measures both, plain and reproducible. The baseline is Kaniko with the login."""
    before, figures = harness.load(), list[Figure]()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, site(Path(folder, "registry"), base * MB) as place:
        workspace = Path(folder, "workspace")
        make_context(workspace, place.base, weights * MB)
        with (workspace / "Dockerfile").open("a") as file:
            file.write(RUN)
        for name, flags in (("Kaniko", ()), ("Kaniko reproducible", ("--reproducible",))):
            direct = programs.kaniko(workspace, Target(f"{place.host}/bench/direct-{len(flags)}", "t"), *flags)
            found = measured(workspace, Target(f"{place.host}/bench/depot-{len(flags)}", "t"), *flags)
            figures += _figures(name, found, direct)
    setting = f"Base of {base} MB, weights of {weights} MB, registry on loopback without TLS; load {before:.3g} before."
    harness.report("depot", figures, "make bench-depot", setting)


def _figures(name: str, found: Parts, direct: Cost) -> list[Figure]:
    steps = {"pull": found.pull, "kaniko": found.kaniko, "push": found.push}
    total = sum(cost.seconds for cost in steps.values())
    return [
        Figure(f"{name}: time of pull, kaniko and push", "s", total, direct.seconds),
        *(Figure(f"{name}: time of {step}", "s", cost.seconds) for step, cost in steps.items()),
        Figure(f"{name}: peak memory of kaniko", "MiB", found.kaniko.peak_bytes / MIB, direct.peak_bytes / MIB),
        *(Figure(f"{name}: peak memory of {step}", "MiB", steps[step].peak_bytes / MIB) for step in ("pull", "push")),
        Figure(f"{name}: peak memory of depot", "MiB", found.depot / MIB),
        Figure(f"{name}: disk of the depot", "MB", found.kept / MB),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.builders.depot", description=__doc__)
    parser.add_argument("--base", type=int, default=400, help="megabytes of the base image")
    parser.add_argument("--weights", type=int, default=100, help="megabytes of weights")
    options = parser.parse_args()
    main(options.base, options.weights)
