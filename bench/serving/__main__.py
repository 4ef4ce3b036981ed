"""Requests per second and p99 of the example's server on both runtimes, compared with a plain server.

`python -m bench.serving [--rounds N] [--seconds N]`, in the TensorFlow environment. vegeta generates the load.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import shapes
from bench import harness
from bench.harness import Figure
from bench.serving.stack import RUNTIMES, Server, detections, exported, servers
from devcluster import binaries

COMMAND = "make bench-serving"
CLIENTS = (1, 8, 32)
PICTURES = 16
WARM_UP = 2  # seconds
MEASURES = (
    ("per_second", "requests/s", "answered"),
    ("p99", "ms", "p99"),
    ("cpu", "ms", "the server's CPU per request"),
)


@dataclass(frozen=True)
class Load:
    """vegeta's results for one server."""

    per_second: float
    """Requests answered with 200."""
    p99: float
    """Milliseconds."""
    cpu: float
    """Milliseconds of the server's CPU per request, the figure least disturbed by other work on the machine."""


def main(rounds: int, seconds: int) -> None:
    """Measures every server in turn, `rounds` times for each number of clients."""
    vegeta = binaries.ensure(binaries.VEGETA)["vegeta"]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        pictures = [work / f"{number}.png" for number in range(PICTURES)]
        for path, (picture, _) in zip(pictures, shapes.pictures(shapes.DEMO_SEED, PICTURES), strict=True):
            path.write_bytes(picture)
        with servers(exported(work)) as started:
            _compare([detections(server, pictures[0].read_bytes()) for server in started])
            load = harness.load()
            seen = _measure(vegeta, started, pictures, rounds, seconds)
    setting = f"{rounds} rounds of {seconds} s for each, in turn; load {load:.1f} before."
    harness.report("serving", [*_figures(seen)], COMMAND, setting)


def _compare(answers: list[list[dict[str, object]]]) -> None:
    """Raises ValueError unless all servers give the same answers."""
    found = [[(one["class"], round(float(str(one["score"])), 3)) for one in answer] for answer in answers]
    if not found[0] or any(other != found[0] for other in found):
        raise ValueError(f"the servers do not agree: {found}")


Seen = dict[tuple[str, str, int], list[Load]]


def _measure(vegeta: Path, started: list[Server], pictures: list[Path], rounds: int, seconds: int) -> Seen:
    seen: Seen = defaultdict(list)
    for clients in CLIENTS:
        for server in started:
            attack(vegeta, server, pictures, clients, WARM_UP)
        for number in range(rounds):
            for server in started:
                load = attack(vegeta, server, pictures, clients, seconds)
                seen[server.runtime, server.kind, clients].append(load)
                print(
                    f"{clients} at once, round {number + 1}, {server.runtime}, {server.kind}:"
                    f" {load.per_second:.0f}/s, p99 {load.p99:.0f} ms, CPU {load.cpu:.1f} ms",
                    flush=True,
                )
    return seen


def attack(vegeta: Path, server: Server, pictures: list[Path], clients: int, seconds: int) -> Load:
    """Runs so many clients without think time. Raises ValueError when a request is rejected."""
    targets = "\n".join(f"POST {server.url}/service\n@{path}\n" for path in pictures)
    clients_only = [f"-workers={clients}", f"-max-workers={clients}", f"-connections={clients}", "-rate=0"]
    before = server.cpu_seconds()
    results = subprocess.run(
        [vegeta, "attack", *clients_only, f"-duration={seconds}s", "-timeout=60s"],
        input=targets.encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    cpu = server.cpu_seconds() - before
    report = json.loads(subprocess.run([vegeta, "report", "-type=json"], input=results, stdout=-1, check=True).stdout)
    if report["status_codes"].keys() != {"200"}:
        raise ValueError(f"{server.kind} on {server.runtime} answered {report['status_codes']}: {report['errors']}")
    return Load(report["throughput"], report["latencies"]["99th"] / 1e6, 1000 * cpu / report["requests"])


def _figures(seen: Seen) -> list[Figure]:
    """Medians over the rounds."""
    figures = []
    for runtime in RUNTIMES:
        for field, unit, name in MEASURES:
            for clients in CLIENTS:
                ours, plain = (
                    statistics.median(getattr(load, field) for load in seen[runtime, kind, clients])
                    for kind in ("ours", "plain")
                )
                figures.append(Figure(f"{runtime}, {clients} at once: {name}", unit, ours, plain))
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.seconds)
