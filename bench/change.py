"""`python -m bench.change`: from a changed file of the code to Ready, on the development cluster, with Append."""

import statistics
import time

from bench.harness import Figure, load, report
from bench.latency.kinds import write_code
from tests.e2e.stack import Case, start

COMMAND = "make bench-change"
ROUNDS = 6


def main() -> None:
    """Measures a test with a sample, and one that compares with the graph."""
    start()
    before = load()
    figures = []
    for name, match_graph in (("with a sample", False), ("with matchGraph", True)):
        taken = changes(match_graph=match_graph)
        figures += [
            Figure(f"{name}, median", "s", statistics.median(taken), aim="" if match_graph else "18 or less"),
            Figure(f"{name}, least", "s", min(taken)),
            Figure(f"{name}, most", "s", max(taken)),
        ]
    report("change", figures, COMMAND, f"{ROUNDS} changes each, the status read every 0.5 s; load {before:.3g} before.")


def changes(*, match_graph: bool) -> list[float]:
    """Seconds from each request to Ready."""
    case = Case(f"change-{str(match_graph).lower()}")
    case.spec["build"]["builder"] = "Append"
    case.spec["test"]["matchGraph"] = match_graph
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
