"""How often a detector is right about the drawn pictures: `python evaluate.py frozen_inference_graph.pb [COUNT]`."""

import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import shapes

THRESHOLD = 0.5
"""Score from which a detection counts."""

NEEDED = 0.85
"""Share of the pictures that a trained detector must be right about."""

_OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes")


def right(drawn: Iterable[shapes.Drawn], detections: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the classes detected in one picture are exactly the classes drawn.

    `detections` are those of the inference service: mappings with `class` and `score`.
    """
    found = {detection["class"] for detection in detections if detection["score"] >= THRESHOLD}
    return found == {shape.name for shape in drawn}


class FrozenGraph:
    """A graph exported for `image_tensor`, run with the plain TensorFlow API, apart from any service."""

    def __init__(self, path: Path) -> None:
        import tensorflow.compat.v1 as tf  # noqa: PLC0415 - `right` is used where there is no TensorFlow

        definition = tf.GraphDef.FromString(path.read_bytes())
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name="")
        self._session = tf.Session(graph=graph)

    def detect(self, picture: bytes) -> list[dict[str, Any]]:
        """Every detection in an encoded picture, as the inference service writes them, whatever its score."""
        import numpy as np  # noqa: PLC0415 - as above
        from PIL import Image  # noqa: PLC0415 - as above

        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))[None]
        outputs = self._session.run([f"{name}:0" for name in _OUTPUTS], {"image_tensor:0": pixels})
        return [
            {"class": shapes.CLASSES[int(index) - 1], "id": int(index), "score": float(score), "box": box.tolist()}
            for box, score, index in zip(*(output[0] for output in outputs), strict=True)
        ]


def share_right(graph: Path, count: int, seed: int = shapes.DEMO_SEED) -> float:
    """The share, 0 to 1, of `count` pictures that the graph is right about."""
    detector = FrozenGraph(graph)
    examples = shapes.pictures(seed, count)
    return sum(right(drawn, detector.detect(picture)) for picture, drawn in examples) / count


def main(arguments: list[str]) -> int:
    """Exit code 0 when the share reaches `NEEDED`."""
    share = share_right(Path(arguments[1]), int(arguments[2]) if len(arguments) > 2 else 40)  # noqa: PLR2004
    print(f"right about {share:.1%} of the pictures, {NEEDED:.0%} needed")
    return 0 if share >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
