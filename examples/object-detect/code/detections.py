"""The service's answers: the detector's arrays as named detections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

Detection = TypedDict("Detection", {"class": str | None, "id": int, "score": float, "box": list[float]})
"""One object: class (None for an ID outside the label map), ID, score from 0 to 1, and box.

The box is [ymin, xmin, ymax, xmax], each from 0 to 1, relative to the picture's height and width.
"""


def name_detections(
    boxes: Iterable[Sequence[float]],
    scores: Iterable[float],
    classes: Iterable[float],
    names: Mapping[int, str],
    threshold: float,
) -> list[Detection]:
    """The detections with a score of `threshold` or more, in the detector's order (best first).

    `boxes`, `scores` and `classes` are parallel, one entry per detection; the Object Detection API returns class
    IDs as floats.
    """
    return [
        {
            "class": names.get(int(number)),
            "id": int(number),
            "score": float(score),
            "box": [float(edge) for edge in box],
        }
        for box, score, number in zip(boxes, scores, classes, strict=True)
        if score >= threshold
    ]
