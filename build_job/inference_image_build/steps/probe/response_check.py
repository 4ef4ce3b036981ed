"""Checks a response: that it succeeds, has the expected fields, and matches the frozen graph's detections."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from inference_image_build.steps.probe import answers
from inference_image_contract import untrusted_json
from inference_image_contract.inputs import ExpectedField, ProbeInput

TOLERANCE = 1e-3
"""For scores and box edges, both from 0 to 1: runtimes add floats in different orders."""
CERTAIN = 0.5
"""The response must contain each detection that the graph scores higher; a service may omit the others."""
_MAX_SHOWN = 200
_NO_CONTENT = (204, 205)
"""Statuses whose responses have no body (RFC 9110)."""


class Detection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object that the frozen graph finds in the sample."""

    id: int
    score: float
    box: answers.Box
    names: tuple[str, ...] = ()
    """Names of the class in the label map."""


def fault(request: ProbeInput, status: int, body: bytes, graph: Sequence[Detection]) -> str:
    """What is wrong with a response, as the end of a sentence; empty when nothing is."""
    wanted, success = request.status, 200 <= status < 300  # noqa: PLR2004 - the class of success
    if status != wanted if wanted else not success:
        return f"returned status {status}{f' instead of {wanted}' if wanted else ''} with {shown(body)}"
    if success and not body.strip() and wanted not in _NO_CONTENT:
        return f"returned status {status} with an empty body"
    return _fields_fault(request.fields, status, body) or (_graph_fault(body, graph) if request.match_graph else "")


def shown(body: bytes) -> str:
    """The beginning of a body, quoted."""
    text = body[: _MAX_SHOWN * 4].decode("utf-8", errors="replace").strip()
    return repr(text[:_MAX_SHOWN]) if text else "an empty body"


def _fields_fault(fields: Sequence[ExpectedField], status: int, body: bytes) -> str:
    if not fields:
        return ""
    try:
        document = untrusted_json.read(body, max_bytes=len(body))
    except ValueError:
        return f"returned status {status} with a body that is not JSON: {shown(body)}"
    return next((found for field in fields if (found := _field_fault(field, document))), "")


def _field_fault(field: ExpectedField, document: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        found = JsonPointer(field.path).resolve(document)
    except JsonPointerException:
        return f"returned JSON without {field.path}"
    if field.equals is msgspec.UNSET or found == field.equals:
        return ""
    return f"returned {_json(found)} at {field.path}, not {_json(field.equals)}"


def _graph_fault(body: bytes, graph: Sequence[Detection]) -> str:
    try:
        answer = answers.detections(body)
    except ValueError as error:
        return f"returned {shown(body)}, which cannot be compared with the graph: it is not {error}"
    left = list(graph)
    for found in answer:
        same = next((known for known in left if _same(found, known)), None)
        if same is None:
            return f"returned {_json(found)}, which the frozen graph does not detect"
        left.remove(same)
    missed = next((known for known in left if known.score > CERTAIN + TOLERANCE), None)
    return f"did not return {_json(missed)}, which the frozen graph detects" if missed else ""


def _same(found: answers.Found, known: Detection) -> bool:
    """Whether a response item matches this detection; without a score, class and box decide."""
    kind = found.name in known.names if found.id is None else found.id == known.id
    pairs = [
        *zip(found.box, known.box, strict=True),
        (known.score if found.score is None else found.score, known.score),
    ]
    return kind and all(abs(a - b) <= TOLERANCE for a, b in pairs)


def _json(value: object) -> str:
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
    text = text.encode(errors="replace").decode()  # JSON may contain half of a surrogate pair
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
