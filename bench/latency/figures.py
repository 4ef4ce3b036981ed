"""The figures of the rounds, and what is written beside the picture of each kind."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bench.harness import Figure
from bench.latency.kinds import TITLES
from bench.latency.rows import Kind, Timeline

AIM = "1.15 or less"
DETAILED = ("first", "code")
"""The kinds whose table says what the time went into."""

Pair = tuple[Timeline, Timeline]
"""A run and its floor."""


def figures(found: Mapping[str, Sequence[Pair]]) -> list[Figure]:
    """Medians of the rounds, for each kind of change."""
    rows: list[Figure] = []
    for kind, pairs in found.items():
        ours, floor = (statistics.median(pair[side].seconds for pair in pairs) for side in (0, 1))
        rows.append(Figure(TITLES[kind], "s", ours, floor, AIM))
        for part in Kind if kind in DETAILED else ():
            ours, floor = (statistics.median(pair[side].shares[part] for pair in pairs) for side in (0, 1))
            rows.append(Figure(f"of it {part}", "s", ours, floor))
    return rows


def middle(pairs: Sequence[Pair]) -> Pair:
    """The round whose run took the median time, or the next longer."""
    return sorted(pairs, key=lambda pair: pair[0].seconds)[len(pairs) // 2]


def document(found: Timeline) -> dict[str, object]:
    """A timeline as JSON; times count from its start."""
    return {
        "seconds": found.seconds,
        "shares": found.shares,
        "rows": [
            asdict(row) | {"start": row.start - found.start, "end": row.end - found.start}
            for row in sorted(found.rows, key=lambda row: row.start)
        ],
    }
