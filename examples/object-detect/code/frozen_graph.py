"""The frozen graph: an exported detector, loaded by TensorFlow and run on pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

tf1 = tf.compat.v1

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


class FrozenGraph:
    """A detector ready to run. Safe to use from several threads."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the graph at `path`; each operation, and operations side by side, use `threads` threads.

        Raises:
            ValueError: the file is no graph, or not one of a detector exported for `image_tensor`.
        """
        definition = tf1.GraphDef()
        try:
            definition.ParseFromString(path.read_bytes())
        except DecodeError as error:
            raise ValueError(f"{path} is not a frozen graph: {error}") from error
        have = {node.name for node in definition.node}
        missing = [name for name in (INPUT, *OUTPUTS) if name not in have]
        if missing:
            raise ValueError(
                f"{path} is not a detector exported with input type {INPUT}: it lacks {', '.join(missing)}"
            )
        graph = tf.Graph()
        with graph.as_default():
            tf1.import_graph_def(definition, name="")
        self._input = graph.get_tensor_by_name(f"{INPUT}:0")
        self._outputs = {name: graph.get_tensor_by_name(f"{name}:0") for name in OUTPUTS}
        options = tf1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        self._session = tf1.Session(graph=graph, config=options)

    def run(self, picture: Any) -> Detected:  # noqa: ANN401 - numpy's types are no dependency of the checks
        """What the detector finds in one picture: uint8, [height, width, 3], RGB."""
        found = self._session.run(self._outputs, {self._input: np.expand_dims(picture, 0)})
        count = int(found["num_detections"][0])
        return Detected(
            boxes=found["detection_boxes"][0][:count],
            scores=found["detection_scores"][0][:count],
            classes=found["detection_classes"][0][:count],
        )
