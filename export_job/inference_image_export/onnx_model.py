"""Converts the graph to an ONNX model and compares its answers with the frozen graph's."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import isolated, picture
from inference_image_export.verify import OUTPUTS, run

INPUT = "image_tensor"
"""The only input type that ONNX operators support: the others decode files."""

LARGEST_DIFFERENCE = 1e-4
"""Maximal difference of a score, or of a relative box coordinate. Both add the same float32 numbers in other orders."""

_SCORE, _FIRST = 0.05, 10
"""Compared are detections with at least this score, and the first of each picture. Below it, chance decides which of
two equal candidates suppresses the other."""

_LEAVE_OUT = "Remove ONNX from spec.export.formats to publish this model without it"


def write(graph: Path, model: Path) -> None:
    """Converts a frozen graph with the input `image_tensor`.

    Raises StageError: `OnnxFailed` when tf2onnx cannot, `OutOfMemory` when its process is killed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "inference_image_export.to_onnx", graph, INPUT, model],
        env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        raise isolated.out_of_memory("tf2onnx")
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        raise _failed(f"tf2onnx cannot convert it: {_last_line(done.stderr)}")


def compare(graph: Path, model: Path) -> float:
    """The greatest difference of the two models on the export's pictures.

    Raises StageError (`OnnxFailed`) when onnxruntime cannot run the model.
    """
    batches = picture.batches()
    expected = run(graph, INPUT, batches)
    return max(map(difference, expected, _answers(model, batches)))


def accept(greatest: float) -> str:
    """The difference from `compare` as a decimal number.

    Raises StageError (`OnnxDiffers`) when it is more than LARGEST_DIFFERENCE.
    """
    if not greatest <= LARGEST_DIFFERENCE:
        raise StageError(
            Reason.ONNX_DIFFERS,
            f"The ONNX model's answers differ from the frozen graph's by {greatest:.1e}, more than "
            f"{LARGEST_DIFFERENCE:.0e}.",
            f"Nothing was published. {_LEAVE_OUT}, and report this: the conversion of this model is wrong.",
        )
    return f"{greatest:.1e}"


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> float:
    """The greatest difference of a score or a box coordinate over the compared detections.

    Both are outputs by name for one batch. Each detection is compared with the nearest of its class on the other side,
    because detections with nearly equal scores may swap. Infinite without a counterpart.
    """
    import numpy as np

    if any(expected[name].shape != found[name].shape for name in OUTPUTS):
        return float("inf")
    if not all(np.isfinite(found[name]).all() for name in OUTPUTS):
        return float("inf")
    pairs = ((expected, found), (found, expected))
    return max(_distance(one, other, at) for one, other in pairs for at in range(len(expected["num_detections"])))


def _distance(one: Mapping[str, Any], other: Mapping[str, Any], at: int) -> float:
    """The difference of the compared detections of picture `at` from the nearest ones on the other side."""
    import numpy as np

    scores, classes = one["detection_scores"][at], one["detection_classes"][at]
    count = int(one["num_detections"][at])
    compared = [i for i in range(count) if i < _FIRST or scores[i] >= _SCORE]
    greatest = 0.0
    for i in compared:
        of_class = other["detection_classes"][at] == classes[i]
        if not of_class.any():
            return float("inf")
        boxes = np.abs(other["detection_boxes"][at][of_class] - one["detection_boxes"][at][i]).max(axis=1)
        apart = np.maximum(boxes, np.abs(other["detection_scores"][at][of_class] - scores[i]))
        greatest = max(greatest, float(apart.min()))
    return greatest


def _answers(model: Path, batches: list[Any]) -> list[dict[str, Any]]:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        names = [f"{name}:0" for name in OUTPUTS]
        answers = [session.run(names, {f"{INPUT}:0": batch}) for batch in batches]
    except Exception as error:  # onnxruntime's exceptions have no common class
        raise _failed(f"onnxruntime cannot run it: {_last_line(str(error))}") from error
    return [dict(zip(OUTPUTS, values, strict=True)) for values in answers]


def _last_line(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "without a message"


def _failed(what: str) -> StageError:
    return StageError(
        Reason.ONNX_FAILED,
        f"The conversion to ONNX failed: {what}.",
        f"Nothing was published. {_LEAVE_OUT}. The Job's log has details.",
    )
