"""`python -m bench.change`: from a changed file of the code to Ready, on the development cluster, with Append."""

import statistics
import time

from bench.harness import Figure, load, report
from bench.latency.kinds import write_code
from demo import install
from devcluster import settings
from devcluster.images import catalog
from tests.e2e.stack import Case, start

COMMAND = "make bench-change"
ROUNDS = 6
KINDS = {
    "with a sample": (False, False, "15 or less"),
    "with matchGraph": (True, False, ""),
    "on the ONNX base, with a sample": (False, True, "12 or less"),
}
"""Name -> matchGraph, whether the image runs the ONNX model, and the aim."""


def main() -> None:
    """Measures a test with a sample, one that compares with the graph, and an image without TensorFlow."""
    start()
    install.operator(catalog.push_all(catalog.build_all((*catalog.ALL, *catalog.EXTRA))))
    before = load()
    figures = []
    for name, (match_graph, onnx, aim) in KINDS.items():
        taken = changes(match_graph=match_graph, onnx=onnx)
        figures += [
            Figure(f"{name}, median", "s", statistics.median(taken), aim=aim),
            Figure(f"{name}, least", "s", min(taken)),
            Figure(f"{name}, most", "s", max(taken)),
        ]
    report("change", figures, COMMAND, f"{ROUNDS} changes each, the status read every 0.5 s; load {before:.3g} before.")


def changes(*, match_graph: bool, onnx: bool) -> list[float]:
    """Seconds from each request to Ready."""
    case = Case(f"change-{str(match_graph).lower()}-{str(onnx).lower()}")
    case.spec["build"]["builder"] = "Append"
    case.spec["test"]["matchGraph"] = match_graph
    if onnx:
        case.spec["export"]["formats"] = ["FrozenGraph", "ONNX"]
        case.spec["build"]["args"]["BASE_IMAGE"] = f"{settings.IMAGE_PREFIX}/inference-base-onnx:latest"
    case.apply()
    case.until_ready()
    taken = []
    for _ in range(ROUNDS):
        write_code(case)
        began = time.monotonic()
        case.request()
        case.until_ready()
        taken.append(time.monotonic() - began)
    return taken


if __name__ == "__main__":
    main()
