"""Reads detections from a response, in the format of this project's example or of the tutorial."""

from typing import Any

import msgspec

from inference_image_build.steps.probe import python_literal
from inference_image_contract import untrusted_json

Box = tuple[float, float, float, float]
"""ymin, xmin, ymax, xmax, relative to the picture."""


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object that a response reports."""

    box: Box
    id: int | None = None
    """Id of its class."""
    name: str | None = None
    """Name of its class, when the response has no id."""
    score: float | None = None


class _Detection(msgspec.Struct, frozen=True):
    id: int
    score: float
    box: Box


class _Detections(msgspec.Struct, frozen=True):
    detections: list[_Detection]


_Row = tuple[float, float, float, float, str]


def detections(body: bytes) -> list[Found]:
    """The detections: `{"detections": [{"id", "score", "box"}]}`, or one row `[ymin, xmin, ymax, xmax, name]` each.

    The rows are JSON or a list as Python prints it, alone or as the only picture of a batch. Raises ValueError, which
    says what the response lacks.
    """
    try:
        document = untrusted_json.read(body, max_bytes=len(body))
    except ValueError:
        return _rows(_printed(body))
    if not isinstance(document, dict):
        return _rows(document)
    try:
        found = msgspec.convert(document, _Detections).detections
    except msgspec.ValidationError as error:
        raise ValueError(f'"detections" with id, score and box: {error}') from error
    return [Found(one.box, id=one.id, score=one.score) for one in found]


def _printed(body: bytes) -> Any:  # noqa: ANN401 - usually a list
    try:
        return python_literal.parse(body.decode())
    except ValueError as error:
        raise ValueError(f"JSON or a list as Python prints it: {error}") from error


def _rows(document: Any) -> list[Found]:  # noqa: ANN401 - any JSON
    batch = [document, *document] if isinstance(document, list) and len(document) == 1 else [document]
    for picture in batch:
        try:
            rows = msgspec.convert(picture, list[_Row])
        except msgspec.ValidationError:
            continue
        return [Found(row[:4], name=row[4]) for row in rows]
    raise ValueError('"detections" or a list of [ymin, xmin, ymax, xmax, name]')
