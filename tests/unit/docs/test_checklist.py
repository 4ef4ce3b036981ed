"""Each question of the security checklist is answered by tests and tools that exist."""

import re
from pathlib import Path

import pytest

from tests.checklist.items import ITEMS, Item
from tests.checklist.tools import EXCEPTIONS, TOOLS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.question)
def test_a_question_is_answered(item: Item) -> None:
    assert item.tests or item.tools
    assert set(item.tools) <= set(TOOLS)
    for test in item.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), test
        assert not name or f"def {name}(" in (ROOT / path).read_text(), test


def test_an_exception_has_a_reason_and_a_date() -> None:
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w-]+ # .+, \d{4}-\d{2}-\d{2}", line)] == []
