"""The detector, independent of its runtime: tensor names, and the detections in each picture of a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

INPUT = "image_tensor"
"""uint8, [batch, height, width, 3]: the exporter's input type for decoded pictures."""

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


@dataclass(frozen=True)
class Detected:
    """The n detections in one picture, best first."""

    boxes: Any
    """float32, [n, 4]: ymin, xmin, ymax, xmax, relative to the picture."""
    scores: Any
    """float32, [n]."""
    classes: Any
    """float32, [n]: IDs of the label map."""


class Detector(Protocol):
    """A detector ready to run."""

    @property
    def max_batch(self) -> int | None:
        """Maximal pictures per run; None without a limit."""

    @property
    def gains_from_batches(self) -> bool:
        """Whether pictures take less time together than side by side in threads. `run` may be called from several."""

    def run(self, pictures: Any) -> list[Detected]:  # noqa: ANN401 - numpy's types are no dependency of the checks
        """The detections in each picture of uint8, [batch, height, width, 3], RGB."""


def split(found: Mapping[str, Any]) -> list[Detected]:
    """The detections of each picture in a batch, from the arrays of `OUTPUTS`, without padding."""
    return [
        Detected(boxes=boxes[: int(count)], scores=scores[: int(count)], classes=classes[: int(count)])
        for boxes, scores, classes, count in zip(*(found[name] for name in OUTPUTS), strict=True)
    ]


def lacking(path: object, have: Sequence[str]) -> str | None:
    """Why this service cannot use a model with these tensors; None when it can."""
    missing = [name for name in (INPUT, *OUTPUTS) if name not in have]
    if not missing:
        return None
    return f"{path} is not a detector exported with input type {INPUT}: it lacks {', '.join(missing)}"
