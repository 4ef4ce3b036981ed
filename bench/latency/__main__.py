"""`python -m bench.latency`: the timeline of a run of each kind, on the development cluster, with Append."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench import harness
from bench.latency import floor, node
from bench.latency.figures import Pair, document, figures, middle
from bench.latency.gantt import draw
from bench.latency.kinds import KINDS, TITLES
from bench.latency.recording import STAGE, Recording, asked, log_of, recording, span
from bench.latency.rows import Timeline, largest, timeline
from demo import kubectl
from tests.e2e.stack import Case, fresh_repository, start

OURS, FLOOR = "the operator", "the floor: bare Jobs"
_SHOWN = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default=",".join(KINDS), help="in this order, the first of which makes the object")
    options = parser.parse_args()
    start()
    before = harness.load()
    kinds = options.kinds.split(",")
    found: dict[str, list[Pair]] = {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind, pair in round_of(kinds):
            found[kind].append(pair)
            print(f"{kind}: {pair[0].seconds:.1f} s, floor {pair[1].seconds:.1f} s", flush=True)
    for kind, pairs in found.items():
        write(kind, middle(pairs))
    setting = f"Medians of {options.rounds} rounds, Append, the model of the demo; load {before:.3g} before."
    harness.report("latency", figures(found), "make bench-latency", setting)


def round_of(kinds: Sequence[str]) -> Iterator[tuple[str, Pair]]:
    """A run of each kind in a new namespace, and its floor."""
    case = Case("latency")
    case.spec["build"]["builder"] = "Append"
    case.spec["image"]["repository"] = fresh_repository()
    with recording(case.namespace) as found:
        for kind in kinds:
            yield kind, pair(found, case, KINDS[kind], everything=kind == "first")


def pair(found: Recording, case: Case, change: Callable[[Case], None], *, everything: bool) -> Pair:
    """A run after a change, then its floor, to which the node has as many of the images as it had to the run."""
    seen, since = len(found.images), time.time()
    before = asked(found.images[-1][1]) if seen else None
    change(case)
    begin, end = found.until("Ready", lambda: span(found.images[seen:], before))
    jobs = found.jobs(STAGE, since)
    for job in jobs:
        found.until(f"the pod of {job}", partial(found.pod_of, job))
    ours = timeline(found.pods(STAGE, since, log_of(case.namespace)), begin, end, "the operator")
    kubectl.kubectl("-n", case.namespace, "delete", "pods", "--all", "--wait=true")
    built = found.images[-1][1]["status"]["image"]["reference"]
    node.forget(*(() if everything else (built,)))
    return ours, floor.run(found, [found.last["jobs"][name] for name in jobs])


def write(kind: str, found: Pair) -> None:
    """The picture of a kind and its rows, in out/bench."""
    ours, bare = found
    harness.RESULTS.mkdir(parents=True, exist_ok=True)
    picture = draw(TITLES[kind], {OURS: ours, FLOOR: bare})
    (harness.RESULTS / f"latency-{kind}.svg").write_text(picture)
    rows = {OURS: document(ours), FLOOR: document(bare)}
    (harness.RESULTS / f"latency-{kind}.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{kind}, the largest that are not work:\n{said(ours)}", flush=True)


def said(found: Timeline) -> str:
    """The largest rows that are not work, one a line."""
    return "\n".join(
        f"  {row.seconds:5.2f} s {row.name}: {row.kind}, {row.what}" for row in largest(found.rows)[:_SHOWN]
    )


if __name__ == "__main__":
    main()
