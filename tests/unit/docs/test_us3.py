"""docs/guides/us3.md lists the rights that the stages are tested with, and the times of the program."""

import re
from pathlib import Path

from inference_image_operator.config import installation
from tests.support import rights

PAGE = (Path(__file__).parents[3] / "docs" / "guides" / "us3.md").read_text()
TEXT = " ".join(PAGE.split())


def _fields(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_the_table_of_rights_is_the_tested_one() -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    head = next(row for row in rows if row[0] == "stage")
    found = {
        row[0]: {operation: _fields(cell) for operation, cell in zip(head[1:], row[1:], strict=True) if cell}
        for row in rows
        if row[0] in rights.NEEDED
    }
    assert found == rights.NEEDED


def test_the_times_are_the_programs() -> None:
    waits = installation.Restores()
    assert (waits.standard.every, waits.expedited.every) == ("15m", "2m")
    assert "every 15 minutes (Expedited: 2)" in TEXT
    assert (waits.standard.deadline, waits.expedited.deadline) == ("12h", "1h")
    assert "After 12 hours (Expedited: 1)" in TEXT
