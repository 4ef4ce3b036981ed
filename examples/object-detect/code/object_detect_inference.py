"""The model class that the server loads: pictures in, named detections out."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from batches import equal, portions
from detections import Detection, name_detections
from detector import Detected
from inference_server import BadInput, ServiceConfig
from label_map import read_label_map
from pictures import UnreadablePicture, open_picture, to_rgb
from runtimes import load_detector

LABEL_MAP = "label_map.pbtxt"
DEFAULT_SCORE_THRESHOLD = 0.5

BATCH_PIXELS = 16_000_000
"""Pixels decoded and detected together: 48 MB as bytes, four times that as the detector's floats."""

T = TypeVar("T")
Answer = dict[str, list[Detection]] | BadInput


class ObjectDetectModel:
    """An exported object detector and its label map, both in the configured `model_dir`.

    Options, in the configuration's `tensorflow` part: `score_threshold` (0 to 1), below which a detection is
    omitted, and `threads` for the runtime (default: the cores available to this process).
    """

    def __init__(self, config: ServiceConfig) -> None:
        """Reads the options; loads nothing.

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
        """Loads label map and detector, and runs one blank picture: TensorFlow completes its setup in the first run."""
        self._names = read_label_map(self._model_dir / LABEL_MAP)
        self._detector = load_detector(self._model_dir, self._threads)
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="picture")
        self._detector.run(np.zeros((1, 64, 64, 3), np.uint8))

    def execute(self, data: Sequence[bytes], batch_size: int) -> list[Answer]:
        """`{"detections": [...]}` for each of the `batch_size` pictures; BadInput for undecodable bytes.

        Pictures of equal size go through the detector together, if it gains from that; the answers are the same as for
        single pictures.
        """
        opened = {at: _attempt(open_picture, body) for at, body in enumerate(data[:batch_size])}
        answers, pictures = _sorted_out(opened)
        for portion in portions({at: one.width * one.height for at, one in pictures.items()}, BATCH_PIXELS):
            answers |= self._detect({at: pictures.pop(at) for at in portion})
        return [answers[at] for at in range(len(opened))]

    def _detect(self, pictures: Mapping[int, Image.Image]) -> dict[int, Answer]:
        """The answers to opened pictures."""
        if len(pictures) > 1 and self._detector.gains_from_batches:
            return self._together(pictures)
        side_by_side = self._workers.map if len(pictures) > 1 else map
        return dict(zip(pictures, side_by_side(self._alone, pictures.values()), strict=True))

    def _alone(self, picture: Image.Image) -> Answer:
        decoded = _attempt(to_rgb, picture)
        if isinstance(decoded, BadInput):
            return decoded
        (found,) = self._detector.run(_tensor([decoded]))
        return self._answer(found)

    def _together(self, pictures: Mapping[int, Image.Image]) -> dict[int, Answer]:
        """Decodes the pictures in parallel. Those of equal size go through the detector together."""
        decoded = self._workers.map(lambda picture: _attempt(to_rgb, picture), pictures.values())
        answers, ready = _sorted_out(dict(zip(pictures, decoded, strict=True)))
        for group in equal({at: one.size for at, one in ready.items()}, self._detector.max_batch):
            found = self._detector.run(_tensor([ready[at] for at in group]))
            answers |= dict(zip(group, map(self._answer, found), strict=True))
        return answers

    def _answer(self, found: Detected) -> Answer:
        return {"detections": name_detections(found.boxes, found.scores, found.classes, self._names, self._threshold)}


def _tensor(pictures: Sequence[Image.Image]) -> NDArray[np.uint8]:
    """Pictures of equal size as uint8, [batch, height, width, 3]. A single one is not copied."""
    pixels = [np.asarray(picture) for picture in pictures]
    return np.stack(pixels) if len(pixels) > 1 else pixels[0][np.newaxis]


def _attempt(function: Callable[[T], Image.Image], value: T) -> Image.Image | BadInput:
    try:
        return function(value)
    except UnreadablePicture as error:
        return BadInput(str(error))


def _sorted_out(attempts: Mapping[int, Image.Image | BadInput]) -> tuple[dict[int, Answer], dict[int, Image.Image]]:
    """Separates answers to bad input, which are final, from pictures that still need one."""
    answers: dict[int, Answer] = {at: one for at, one in attempts.items() if isinstance(one, BadInput)}
    return answers, {at: one for at, one in attempts.items() if not isinstance(one, BadInput)}
