"""The model class that the server loads: pictures in, named detections out."""

import os
from collections.abc import Sequence

import numpy as np

from detections import Detection, name_detections
from frozen_graph import FrozenGraph
from inference_server import BadInput, ServiceConfig
from label_map import read_label_map
from pictures import UnreadablePicture, decode

GRAPH = "frozen_inference_graph.pb"
LABEL_MAP = "label_map.pbtxt"
DEFAULT_SCORE_THRESHOLD = 0.5


class ObjectDetectModel:
    """An exported object detector and its label map, both in the configured `model_dir`.

    Options, in the configuration's `tensorflow` part: `score_threshold` (0 to 1), below which a detection is left
    out, and `threads` for TensorFlow (the cores that this process may use unless set).
    """

    def __init__(self, config: ServiceConfig) -> None:
        """Reads the options; nothing is loaded yet.

        Raises:
            ValueError: an option is out of its range.
        """
        self._model_dir = config.model_dir
        self._threshold = float(str(config.options.get("score_threshold", DEFAULT_SCORE_THRESHOLD)))
        if not 0 <= self._threshold <= 1:
            raise ValueError(f"score_threshold must be from 0 to 1, not {self._threshold}")
        self._threads = int(str(config.options.get("threads", len(os.sched_getaffinity(0)))))
        if self._threads < 1:
            raise ValueError(f"threads must be 1 or more, not {self._threads}")

    def load_model(self) -> None:
        """Loads label map and graph, and runs one blank picture: TensorFlow finishes its set-up on the first run."""
        self._names = read_label_map(self._model_dir / LABEL_MAP)
        self._graph = FrozenGraph(self._model_dir / GRAPH, self._threads)
        self._graph.run(np.zeros((64, 64, 3), np.uint8))

    def execute(self, data: Sequence[bytes], batch_size: int) -> list[dict[str, list[Detection]] | BadInput]:
        """`{"detections": [...]}` for each of the `batch_size` pictures, or BadInput for bytes that are none."""
        return [self._detect(body) for body in data[:batch_size]]

    def _detect(self, body: bytes) -> dict[str, list[Detection]] | BadInput:
        try:
            picture = decode(body)
        except UnreadablePicture as error:
            return BadInput(str(error))
        found = self._graph.run(np.asarray(picture))
        return {"detections": name_detections(found.boxes, found.scores, found.classes, self._names, self._threshold)}
