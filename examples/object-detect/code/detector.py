"""The detector, whatever runs it: its tensors' names, and what it found in each picture of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

INPUT = "image_tensor"
"""uint8, [batch, height, width, 3]: the exporter's input type that takes decoded pictures."""

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


@dataclass(frozen=True)
class Detected:
    """What was found in one picture, best first; n detections."""

    boxes: Any
    """float32, [n, 4]: ymin, xmin, ymax, xmax, relative to the picture."""
    scores: Any
    """float32, [n]."""
    classes: Any
    """float32, [n]: ids of the label map."""


class Detector(Protocol):
    """A detector ready to run."""

    @property
    def max_batch(self) -> int | None:
        """Pictures in one run that the export allows; None for any number."""

    def run(self, pictures: Any) -> list[Detected]:  # noqa: ANN401 - numpy's types are no dependency of the checks
        """What is in each of the pictures: uint8, [batch, height, width, 3], RGB."""


def split(found: Mapping[str, Any]) -> list[Detected]:
    """The detections of each picture in a batch, from the arrays of `OUTPUTS`, without the padding behind them."""
    return [
        Detected(boxes=boxes[: int(count)], scores=scores[: int(count)], classes=classes[: int(count)])
        for boxes, scores, classes, count in zip(*(found[name] for name in OUTPUTS), strict=True)
    ]


def lacking(path: object, have: Sequence[str]) -> str | None:
    """Why a model with these tensors is no detector for this service; None when it is one."""
    missing = [name for name in (INPUT, *OUTPUTS) if name not in have]
    if not missing:
        return None
    return f"{path} is not a detector exported with input type {INPUT}: it lacks {', '.join(missing)}"
