"""Asks the served image about drawn pictures and compares with the frozen graph run here, outside the image.

`python -m demo.ask URL GRAPH-KEY COUNT DIRECTORY`: writes pictures with boxes there, prints a summary as JSON.
"""

import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image, ImageDraw

from demo.seed import EXAMPLE, store

sys.path.insert(0, str(EXAMPLE / "training"))
from shapes import CLASSES, DEMO_SEED, pictures

THRESHOLD = 0.5
SHEET = 8
TOLERANCE = 1e-3
"""Of scores and boxes, between two builds of TensorFlow; answers near the threshold are compared with it in mind."""

Detection = dict[str, Any]


def main(url: str, key: str, count: int, directory: Path) -> dict[str, Any]:
    """The summary: how many pictures, how many right, how many differ from the graph, seconds per answer."""
    graph = Graph(key)
    right, different, seconds, drawings = 0, [], [], []
    for number, (png, drawn) in enumerate(pictures(DEMO_SEED, count)):
        began = time.monotonic()
        answer = requests.post(url, data=png, timeout=60)
        seconds.append(time.monotonic() - began)
        answer.raise_for_status()
        detections = answer.json()["detections"]
        right += sorted(d["class"] for d in detections) == sorted(shape.name for shape in drawn)
        if not same(detections, graph.detections(png)):
            different.append(number)
        drawings.append(draw(png, detections))
        drawings[-1].save(directory / f"picture-{number:02}.png")
    sheet(drawings[:SHEET]).save(directory / "boxes.png")
    return {
        "pictures": count,
        "right": right,
        "different": different,
        "medianSeconds": round(float(np.median(seconds)), 4),
    }


class Graph:
    """The frozen graph of the status, fetched from the object store and run with TensorFlow."""

    def __init__(self, key: str) -> None:
        import tensorflow.compat.v1 as tf  # noqa: PLC0415 - slow, and not needed to explain a wrong call

        definition = tf.GraphDef()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "graph.pb"
            store().download(key, path)
            definition.ParseFromString(path.read_bytes())
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name="")
        self._session = tf.Session(graph=graph)

    def detections(self, png: bytes) -> list[Detection]:
        """All detections of one picture, best first."""
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))[None]
        names = ("detection_classes:0", "detection_scores:0", "detection_boxes:0")
        classes, scores, boxes = self._session.run(names, {"image_tensor:0": pixels})
        return [
            {"class": CLASSES[int(kind) - 1], "score": float(score), "box": [float(v) for v in box]}
            for kind, score, box in zip(classes[0], scores[0], boxes[0], strict=True)
        ]


def same(answered: list[Detection], computed: list[Detection]) -> bool:
    """Whether the image answered what the graph computes, at and above the threshold."""
    expected = [d for d in computed if d["score"] >= THRESHOLD - TOLERANCE]
    sure = [d for d in expected if d["score"] >= THRESHOLD + TOLERANCE]
    if not len(sure) <= len(answered) <= len(expected):
        return False
    return all(
        any(
            one["class"] == other["class"]
            and abs(one["score"] - other["score"]) <= TOLERANCE
            and np.allclose(one["box"], other["box"], atol=TOLERANCE)
            for other in expected
        )
        for one in answered
    )


def draw(png: bytes, detections: list[Detection]) -> Image.Image:
    """The picture with its boxes, classes and scores."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    canvas = ImageDraw.Draw(picture)
    for found in detections:
        top, left, bottom, right = (v * picture.width for v in found["box"])
        canvas.rectangle((left, top, right, bottom), outline=(255, 255, 0), width=2)
        canvas.text((left + 3, top + 2), f"{found['class']} {found['score']:.2f}", fill=(0, 0, 0))
    return picture


def sheet(pictures_: list[Image.Image]) -> Image.Image:
    """Pictures of one size beside each other, four in a row."""
    width, height = pictures_[0].size
    whole = Image.new("RGB", (4 * width, -(-len(pictures_) // 4) * height))
    for number, picture in enumerate(pictures_):
        whole.paste(picture, (number % 4 * width, number // 4 * height))
    return whole


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
