"""Whether an image answered rightly: at all, with the fields that are expected, with the graph's own detections."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from inference_image_build.steps.probe import answers
from inference_image_contract.inputs import ExpectedField, ProbeInput

TOLERANCE = 1e-3
"""In scores and edges of boxes, both from 0 to 1: runtimes add up floats in different orders."""
SURE = 0.5
"""What the graph scores higher than this must be in the answer; a service may leave out the rest."""
_MAX_SHOWN = 200
_NO_CONTENT = (204, 205)
"""Statuses whose answers have no body (RFC 9110)."""


class Detection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object that the frozen graph finds in the sample."""

    id: int
    score: float
    box: answers.Box
    names: tuple[str, ...] = ()
    """What the label map calls the class."""


def fault(stage: ProbeInput, status: int, body: bytes, graph: Sequence[Detection]) -> str:
    """What is wrong with an answer, for the end of a sentence; empty when nothing is."""
    wanted, success = stage.status, 200 <= status < 300  # noqa: PLR2004 - the class of success
    if status != wanted if wanted else not success:
        return f"gave status {status}{f', not {wanted},' if wanted else ''} with {shown(body)}"
    if success and not body.strip() and wanted not in _NO_CONTENT:
        return f"gave status {status}, but no answer: the body is empty"
    return _fields_fault(stage.fields, status, body) or (_graph_fault(body, graph) if stage.match_graph else "")


def shown(body: bytes) -> str:
    """The beginning of a body, quoted."""
    text = body[: _MAX_SHOWN * 4].decode("utf-8", errors="replace").strip()
    return repr(text[:_MAX_SHOWN]) if text else "an empty body"


def _fields_fault(fields: Sequence[ExpectedField], status: int, body: bytes) -> str:
    if not fields:
        return ""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return f"gave status {status}, but not JSON: {shown(body)}"
    return next((found for field in fields if (found := _field_fault(field, document))), "")


def _field_fault(field: ExpectedField, document: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        found = JsonPointer(field.path).resolve(document)
    except JsonPointerException:
        return f"gave JSON without {field.path}"
    if field.equals is msgspec.UNSET or found == field.equals:
        return ""
    return f"gave {_json(found)} at {field.path}, not {_json(field.equals)}"


def _graph_fault(body: bytes, graph: Sequence[Detection]) -> str:
    try:
        answer = answers.detections(body)
    except ValueError as error:
        return f"gave {shown(body)}, which cannot be compared with the graph: it is no {error}"
    left = list(graph)
    for found in answer:
        same = next((known for known in left if _same(found, known)), None)
        if same is None:
            return f"found {_json(found)}, which the frozen graph does not"
        left.remove(same)
    missed = next((known for known in left if known.score > SURE + TOLERANCE), None)
    return f"did not find {_json(missed)}, which the frozen graph does" if missed else ""


def _same(found: answers.Found, known: Detection) -> bool:
    """Whether an answer means this detection; where it tells no score, class and box decide."""
    kind = found.name in known.names if found.id is None else found.id == known.id
    pairs = [
        *zip(found.box, known.box, strict=True),
        (known.score if found.score is None else found.score, known.score),
    ]
    return kind and all(abs(a - b) <= TOLERANCE for a, b in pairs)


def _json(value: object) -> str:
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
    text = text.encode(errors="replace").decode()  # JSON may hold half of a surrogate pair
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
