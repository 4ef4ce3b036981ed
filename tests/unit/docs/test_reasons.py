"""docs/reference/reasons.md explains exactly the reasons that the code reports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_image_contract.reasons import Reason, WarningReason
from inference_image_operator.api.stages import Stage

ROOT = Path(__file__).parents[3]
OPERATOR = ROOT / "operator" / "inference_image_operator"
DOCUMENT = ROOT / "docs" / "reference" / "reasons.md"

REASON_ARGUMENT = {"set": 2, "emit": 0, "_done": 2, "stall": 2}
"""Function -> position of the reason among its arguments; everywhere else it is the keyword `reason`."""

_ROW = re.compile(r"^\| `(?P<reason>\w+)` \| (?P<meaning>.+?) \| (?P<remedy>.+?) \|$", re.MULTILINE)


def constants(node: ast.expr, module: ast.Module) -> Iterator[str]:
    """The string values of an expression that are literals in its module."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*constants(body, module), *constants(orelse, module))
        case ast.Name(id=name):
            for found in ast.walk(module):
                if isinstance(found, ast.Assign) and any(
                    isinstance(t, ast.Name) and t.id == name for t in found.targets
                ):
                    yield from constants(found.value, module)
        case _:
            return  # an attribute: the reason of a failure, which is found where that failure is created


def reasons_of(text: str) -> set[str]:
    """The reasons that are literals in a module of the operator."""
    module = ast.parse(text)
    found: set[str] = set()
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        wanted = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
        wanted += call.args[REASON_ARGUMENT[name] :][:1] if name in REASON_ARGUMENT else []
        for node in wanted:
            found.update(constants(node, module))
    return found


@pytest.fixture(scope="module")
def reported() -> set[str]:
    found = {reason.value for reason in (*Reason, *WarningReason)} | {stage.working for stage in Stage}
    for path in OPERATOR.rglob("*.py"):
        found |= reasons_of(path.read_text())
    return found


@pytest.fixture(scope="module")
def explained() -> list[re.Match[str]]:
    return list(_ROW.finditer(DOCUMENT.read_text()))


def test_every_reason_is_explained(reported: set[str], explained: list[re.Match[str]]) -> None:
    assert reported - {row["reason"] for row in explained} == set()


def test_every_explained_reason_is_reported(reported: set[str], explained: list[re.Match[str]]) -> None:
    assert {row["reason"] for row in explained} - reported == set()


def test_every_reason_is_explained_once(explained: list[re.Match[str]]) -> None:
    reasons = [row["reason"] for row in explained]
    assert sorted(reasons) == sorted(set(reasons))


def test_meaning_and_remedy_are_sentences(explained: list[re.Match[str]]) -> None:
    assert explained
    for row in explained:
        assert row["meaning"].endswith("."), row["reason"]
        assert row["remedy"].endswith("."), row["reason"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("Failed(kind=k, reason='Lost')", {"Lost"}),
        ("draft.conditions.set(kind, 'False', 'Broken', text)", {"Broken"}),
        ("draft.emit('Said', text)", {"Said"}),
        ("word = 'A' if x else 'B'\n_done(draft, stage, word, text)", {"A", "B"}),
        ("Failed(kind=k, reason=other.reason)", set()),
    ],
)
def test_literal_reasons_are_found(text: str, reasons: set[str]) -> None:
    assert reasons_of(text) == reasons
