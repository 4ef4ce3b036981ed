"""The fault table: each fault, its result and its duration."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

BEGIN = "<!-- table: written by make test-faults -->"
END = "<!-- table ends -->"
_LINE = re.compile(r"^\| (\d+) \| .* \|$", re.MULTILINE)


@dataclass
class Row:
    """One row, combined over all its tests."""

    what: list[str]
    passed: bool = True
    seconds: float = 0


def rows(terminal: pytest.TerminalReporter) -> dict[int, Row]:
    """Rows of the finished run, by number."""
    found: dict[int, Row] = defaultdict(lambda: Row([]))
    for kind in ("passed", "failed", "error"):
        for test in terminal.stats.get(kind, []):
            properties = getattr(test, "user_properties", [])
            for number, what in {tuple(value) for name, value in properties if name == "row"}:
                _add(found[number], Row([what], kind == "passed", test.duration))
    return dict(sorted(found.items()))


def _add(row: Row, more: Row) -> None:
    row.what += [what for what in more.what if what not in row.what]
    row.passed &= more.passed
    row.seconds += more.seconds


def table(found: Mapping[int, Row]) -> Sequence[str]:
    """Lines for a terminal."""
    return [
        f"row {number:2}  {'ok    ' if row.passed else 'FAILED'}  {row.seconds:6.1f} s  {'; '.join(row.what)}"
        for number, row in found.items()
    ]


def gather(collected: Path, found: Mapping[int, Row]) -> dict[int, Row]:
    """Merges these rows with those of earlier commands in the file; returns and stores all."""
    known = json.loads(collected.read_text()) if collected.exists() else {}
    both: dict[int, Row] = defaultdict(lambda: Row([]), {int(number): Row(**row) for number, row in known.items()})
    for number, row in found.items():
        _add(both[number], row)
    collected.parent.mkdir(parents=True, exist_ok=True)
    collected.write_text(json.dumps({number: asdict(row) for number, row in both.items()}))
    return dict(sorted(both.items()))


def write(path: Path, found: Mapping[int, Row], *, full: bool) -> None:
    """Writes the rows of this run between the markers in a page. The rows of earlier runs stay, with their dates."""
    before, _, rest = path.read_text().partition(BEGIN)
    known, _, after = rest.partition(END)
    lines = {int(match[1]): match[0] for match in _LINE.finditer(known)}
    run = f"{datetime.now(UTC):%Y-%m-%d}{', whole length' if full else ''}"
    for number, row in found.items():
        verdict = "ok" if row.passed else "**failed**"
        lines[number] = f"| {number} | {'; '.join(row.what)} | {verdict} | {row.seconds:.0f} | {run} |"
    head = ["| row | what | verdict | seconds | run |", "| --- | --- | --- | --- | --- |"]
    path.write_text(before + "\n".join([BEGIN, "", *head, *(lines[n] for n in sorted(lines)), "", END]) + after)


def summary(terminal: pytest.TerminalReporter) -> None:
    """Prints the rows at the end of a run; also writes them to the page named by FAULTS_REPORT.

    Does nothing in a worker, because the main process has all rows.
    """
    found = rows(terminal)
    if not found or hasattr(terminal.config, "workerinput"):
        return
    page, full = os.environ.get("FAULTS_REPORT"), os.environ.get("FULL") == "1"
    if page:
        found = gather(Path(os.environ["FAULTS_ROWS"]), found)
        write(Path(page), found, full=full)
    terminal.write_line("")
    for line in table(found):
        terminal.write_line(line)
