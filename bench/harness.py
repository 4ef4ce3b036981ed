"""Figures of a benchmark, as JSON in out/bench and as a table in docs/operations/benchmarks.md."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from devcluster import settings

RESULTS = settings.REPOSITORY / "out" / "bench"
SHORT_RUN = "BENCH_SHORT_RUN"
"""Variable: the folder for the JSON of a short run, which writes no table."""
DOCUMENT = settings.REPOSITORY / "docs" / "operations" / "benchmarks.md"


@dataclass(frozen=True)
class Figure:
    """One measured value and its baseline."""

    name: str
    unit: str
    ours: float
    baseline: float | None = None
    """The value of the plain way in the same run; None without a comparison."""
    aim: str = ""

    @property
    def ratio(self) -> float | None:
        """Our value divided by the baseline."""
        return self.ours / self.baseline if self.baseline else None


def percentile(values: Sequence[float], share: float) -> float:
    """The percentile by nearest rank: the smallest value that this share of the values does not exceed.

    Raises ValueError when there are no values.
    """
    if not values:
        raise ValueError("there are no values")
    rank = -(-len(values) * share // 1)
    return sorted(values)[max(0, int(rank) - 1)]


def report(name: str, figures: Sequence[Figure], command: str, setting: str) -> None:
    """Writes the JSON and the table, and prints the table. `setting` describes the conditions of the run."""
    short = os.environ.get(SHORT_RUN, "")
    folder = Path(short) if short else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "name": name,
        "setting": setting,
        "figures": [asdict(figure) | {"ratio": figure.ratio, "command": command} for figure in figures],
    }
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    text = f"`{command}`. {setting}\n\n{table(figures)}"
    print(text, flush=True)
    if not short:
        _write_section(DOCUMENT, name, text)


def table(figures: Sequence[Figure]) -> str:
    """Markdown."""
    rows = [("figure", "unit", "ours", "baseline", "ratio", "aim"), ("---", "---", "---:", "---:", "---:", "---")]
    rows += [(f.name, f.unit, number(f.ours), number(f.baseline), number(f.ratio), f.aim) for f in figures]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def number(value: float | None) -> str:
    """Three significant digits; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - digits


def replaced(document: str, name: str, text: str) -> str:
    """The document with the text between the markers of `name` replaced.

    Raises ValueError when it has no such markers.
    """
    start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    section = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not section.search(document):
        raise ValueError(f"the document has no markers {start} and {end}")
    return section.sub(lambda _: f"{start}\n{text.strip()}\n{end}", document)


def _write_section(path: Path, name: str, text: str) -> None:
    path.write_text(replaced(path.read_text(), name, text))


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]
