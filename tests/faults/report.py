"""The table of rows: what was tried, how it ended, how long it took."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

BEGIN = "<!-- table: written by make test-faults -->"
END = "<!-- table ends -->"


@dataclass
class Row:
    """One row over all its tests."""

    what: list[str]
    passed: bool = True
    seconds: float = 0


def rows(terminal: pytest.TerminalReporter) -> dict[int, Row]:
    """Rows of the finished run, by number."""
    found: dict[int, Row] = defaultdict(lambda: Row([]))
    for kind in ("passed", "failed", "error"):
        for test in terminal.stats.get(kind, []):
            for name, value in getattr(test, "user_properties", []):
                if name == "row":
                    number, what = value
                    row = found[number]
                    row.passed &= kind == "passed"
                    row.seconds += test.duration
                    if what not in row.what:
                        row.what.append(what)
    return dict(sorted(found.items()))


def table(found: Mapping[int, Row]) -> Sequence[str]:
    """Lines for a terminal."""
    return [
        f"row {number:2}  {'ok    ' if row.passed else 'FAILED'}  {row.seconds:6.1f} s  {'; '.join(row.what)}"
        for number, row in found.items()
    ]


def write(path: Path, found: Mapping[int, Row], *, full: bool) -> None:
    """Puts the table between its marks in a page."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    length = "whole length" if full else "shortened where the page says so"
    lines = [
        BEGIN,
        "",
        f"Run of {datetime.now(UTC):%Y-%m-%d}, faults of {length}.",
        "",
        "| row | what | verdict | seconds |",
        "| --- | --- | --- | --- |",
        *(
            f"| {number} | {'; '.join(row.what)} | {'ok' if row.passed else '**failed**'} | {row.seconds:.0f} |"
            for number, row in found.items()
        ),
        "",
        END,
    ]
    path.write_text(before + "\n".join(lines) + after)
