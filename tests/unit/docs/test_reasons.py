"""Every reason of the code is a member of `Reason`, is used, and has its row in docs/reference/reasons.md."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_image_contract import hints
from inference_image_contract.reasons import Reason
from inference_image_contract.reasons.explained import SUBJECTS

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "reference" / "reasons.md"
CONTRACT = ROOT / "job_contract" / "inference_image_contract"
SOURCES = [
    path
    for part in ("job_contract", "object_store", "build_job", "export_job", "operator", "cli")
    for path in sorted((ROOT / part).glob("*/**/*.py"))
    if not path.is_relative_to(CONTRACT / "reasons")
]

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
            return  # an attribute: a member, or the reason of a failure, which is found where that failure is created


def literals(text: str) -> set[str]:
    """The reasons that are literals in a module."""
    module = ast.parse(text)
    found: set[str] = set()
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        wanted = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
        wanted += call.args[REASON_ARGUMENT[name] :][:1] if name in REASON_ARGUMENT else []
        for node in wanted:
            found.update(constants(node, module))
    return found


def members(text: str) -> set[str]:
    """The names after `Reason.` in a module."""
    return {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }


def test_no_reason_is_a_literal() -> None:
    found = {str(path.relative_to(ROOT)): literals(path.read_text("utf-8")) for path in SOURCES}
    assert {path: texts for path, texts in found.items() if texts} == {}, "write a member of Reason"


def test_every_reason_is_used() -> None:
    used = {name for path in SOURCES for name in members(path.read_text("utf-8"))}
    assert {reason.name for reason in Reason} - used == set()


def test_every_reason_is_explained_once() -> None:
    explained = Counter(reason for reasons in SUBJECTS.values() for reason in reasons)
    assert explained == Counter(Reason)


def test_every_reason_is_on_the_page_once() -> None:
    assert Counter(row["reason"] for row in _ROW.finditer(DOCUMENT.read_text("utf-8"))) == Counter(map(str, Reason))


@pytest.mark.parametrize("text", [hints.REQUESTED_AT, hints.TRIES_AGAIN, hints.CONTINUES, hints.RUNS_AGAIN])
def test_what_hints_share_is_spelled_once(text: str) -> None:
    pages = [*SOURCES, *sorted((ROOT / "docs_tools").glob("*.py"))]
    spelled = [path.name for path in pages if f'"{text}' in path.read_text("utf-8")]
    assert spelled == ["hints.py"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_meaning_and_remedy_are_sentences(subject: str) -> None:
    for reason, explanation in SUBJECTS[subject].items():
        for text in explanation:
            assert text.endswith("."), reason
            assert "  " not in text, reason
            assert "\n" not in text, reason


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("Failed(kind=k, reason='Lost')", {"Lost"}),
        ("draft.conditions.set(kind, 'False', 'Broken', text)", {"Broken"}),
        ("draft.emit('Said', text)", {"Said"}),
        ("word = 'A' if x else 'B'\n_done(draft, stage, word, text)", {"A", "B"}),
        ("Failed(kind=k, reason=other.reason)", set()),
        ("Failed(kind=k, reason=Reason.POD_LOST)", set()),
    ],
)
def test_literal_reasons_are_found(text: str, reasons: set[str]) -> None:
    assert literals(text) == reasons
