"""What an image answers, as rows of a table. Pure."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

COLUMNS = ("PICTURE", "CLASS", "SCORE", "BOX")
_MOST_TEXT = 500


class Detection(NamedTuple):
    """An object that the model has found."""

    label: str
    score: float
    box: tuple[float, float, float, float]
    """ymin, xmin, ymax, xmax, from 0 to 1."""


def read(answer: Any) -> list[Detection] | None:  # noqa: ANN401 - any JSON
    """The detections of an answer as the example's server gives them; None for any other answer."""
    try:
        return [_read(found) for found in answer["detections"]]
    except (KeyError, TypeError, ValueError):
        return None


def _read(found: Any) -> Detection:  # noqa: ANN401 - any JSON
    top, left, bottom, right = map(float, found["box"])
    label = found.get("class")
    return Detection(
        str(label) if label is not None else f"id {found.get('id')}", float(found["score"]), (top, left, bottom, right)
    )


def rows(picture: str, detections: Sequence[Detection]) -> list[tuple[str, ...]]:
    """The rows of a picture; one without a class if nothing was found."""
    found: list[tuple[str, ...]] = [
        (picture, one.label, f"{one.score:.2f}", ", ".join(f"{edge:.3f}" for edge in one.box)) for one in detections
    ]
    return found or [(picture, "<none>", "", "")]


def shortened(answer: Any) -> str:  # noqa: ANN401 - any JSON
    """Another answer, in one line."""
    text = json.dumps(answer, ensure_ascii=False)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
