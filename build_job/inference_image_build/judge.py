"""Whether an image answered rightly: as JSON, with the fields that are expected, with the graph's own detections."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from inference_image_contract.inputs import ExpectedField, ProbeInput

TOLERANCE = 1e-3
"""In scores and edges of boxes, both from 0 to 1: runtimes add up floats in different orders."""
SURE = 0.5
"""What the graph scores as high as this must be in the answer; a service may leave out the rest."""
_MAX_SHOWN = 200


class Detection(msgspec.Struct, frozen=True):
    """One object in the sample: class id, score, and box as [ymin, xmin, ymax, xmax] relative to the picture."""

    id: int
    score: float
    box: tuple[float, float, float, float]


class _Detections(msgspec.Struct, frozen=True):
    detections: list[Detection]


def fault(stage: ProbeInput, status: int, body: bytes, graph: Sequence[Detection]) -> str:
    """What is wrong with an answer, for the end of a sentence; empty when nothing is."""
    wanted = stage.status
    if status != wanted if wanted else not 200 <= status < 300:  # noqa: PLR2004 - the class of success
        return f"gave status {status}{f', not {wanted},' if wanted else ''} with {shown(body)}"
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return f"gave status {status}, but not JSON: {shown(body)}"
    missing = next((found for field in stage.fields if (found := _field_fault(field, document))), "")
    return missing or (_graph_fault(body, graph) if stage.match_graph else "")


def shown(body: bytes) -> str:
    """The beginning of a body, quoted."""
    text = body[: _MAX_SHOWN * 4].decode("utf-8", errors="replace").strip()
    return repr(text[:_MAX_SHOWN]) if text else "an empty body"


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
        answer = msgspec.json.decode(body, type=_Detections).detections
    except msgspec.DecodeError as error:
        return f'gave no "detections" with id, score and box to compare with the graph ({error})'
    left = list(graph)
    for found in answer:
        same = next((known for known in left if _same(found, known)), None)
        if same is None:
            return f"found {_json(found)}, which the frozen graph does not"
        left.remove(same)
    missed = next((known for known in left if known.score >= SURE), None)
    return f"did not find {_json(missed)}, which the frozen graph does" if missed else ""


def _same(one: Detection, other: Detection) -> bool:
    pairs = zip((one.score, *one.box), (other.score, *other.box), strict=True)
    return one.id == other.id and all(abs(a - b) <= TOLERANCE for a, b in pairs)


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
