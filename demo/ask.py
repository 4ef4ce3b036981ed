"""Sends drawn pictures to the served image and compares its answers with those of the frozen graph, run here.

`python -m demo.ask SCENARIO URL GRAPH-KEY COUNT`: writes pictures with boxes to the scenario's folder,
prints a summary.
"""

import ast
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image, ImageDraw

from demo.pictures import unseen
from demo.scenario import BY_TITLE, TUTORIAL, Scenario
from demo.seed import store

THRESHOLD = 0.5
SHEET = 8
SHEET_SIDE = 256
TOLERANCE = 1e-3
"""Tolerance of scores and boxes between two builds of TensorFlow; also applies at the threshold."""

Detection = dict[str, Any]


def main(scenario: Scenario, url: str, key: str, count: int) -> dict[str, Any]:
    """The summary: counts of pictures, correct answers, objects, differences from the graph; seconds per answer."""
    graph = Graph(scenario, key)
    right, objects, different, seconds, drawings = 0, 0, [], [], []
    for number, (data, drawn) in enumerate(unseen(scenario, count)):
        began = time.monotonic()
        detections = ask(scenario, url, data)
        seconds.append(time.monotonic() - began)
        right += sorted(d["class"] for d in detections) == sorted(shape.name for shape in drawn)
        objects += len(detections)
        if not same(detections, graph.detections(data)):
            different.append(number)
        drawings.append(draw(data, detections))
        drawings[-1].save(scenario.out / f"picture-{number:02}.png")
    sheet(drawings[:SHEET]).save(scenario.out / "boxes.png")
    return {
        "pictures": count,
        **({"right": right} if scenario.trained else {}),
        "objects": objects,
        "different": different,
        "medianSeconds": round(float(np.median(seconds)), 4),
    }


def ask(scenario: Scenario, url: str, picture: bytes) -> list[Detection]:
    """The detections of the service, best first. The request is that of the example's README or of the tutorial."""
    if scenario is not TUTORIAL:
        answer = requests.post(url, data=picture, timeout=60)
        answer.raise_for_status()
        return list(answer.json()["detections"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "picture.jpg")
        file.write_bytes(picture)
        curl = ["curl", "--silent", "--show-error", "--fail-with-body", "-X", "POST", url, "-T", str(file)]
        done = subprocess.run(curl, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"curl failed with exit code {done.returncode}: {done.stderr}{done.stdout}")
    return [{"class": row[4], "box": row[:4]} for row in ast.literal_eval(done.stdout)]


class Graph:
    """The frozen graph of the status, fetched from the object store and run with TensorFlow."""

    def __init__(self, scenario: Scenario, key: str) -> None:
        import tensorflow.compat.v1 as tf  # noqa: PLC0415 - slow, and not needed to report a usage error

        self._names = names(scenario)
        definition = tf.GraphDef()
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "graph.pb"
            store(scenario.bucket).download(key, path)
            definition.ParseFromString(path.read_bytes())
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(definition, name="")
        self._session = tf.Session(graph=graph)

    def detections(self, picture: bytes) -> list[Detection]:
        """All detections of one picture, best first."""
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))[None]
        tensors = ("detection_classes:0", "detection_scores:0", "detection_boxes:0")
        classes, scores, boxes = self._session.run(tensors, {"image_tensor:0": pixels})
        return [
            {"class": self._names[int(kind)], "score": float(score), "box": [float(v) for v in box]}
            for kind, score, box in zip(classes[0], scores[0], boxes[0], strict=True)
        ]


def names(scenario: Scenario) -> dict[int, str]:
    """ID -> class, from a scenario's label map."""
    text = (scenario.training.folder / scenario.training.label_map).read_text()
    return {int(number): name for number, name in re.findall(r"id: (\d+)\s+name: '(.+)'", text)}


def same(answered: list[Detection], computed: list[Detection]) -> bool:
    """Whether the answer matches the graph at and above the threshold; compares scores where the answer has them."""
    expected = [d for d in computed if d["score"] >= THRESHOLD - TOLERANCE]
    sure = [d for d in expected if d["score"] >= THRESHOLD + TOLERANCE]
    if not len(sure) <= len(answered) <= len(expected):
        return False
    return all(
        any(
            one["class"] == other["class"]
            and abs(one.get("score", other["score"]) - other["score"]) <= TOLERANCE
            and np.allclose(one["box"], other["box"], atol=TOLERANCE)
            for other in expected
        )
        for one in answered
    )


def draw(picture: bytes, detections: list[Detection]) -> Image.Image:
    """The picture with its boxes, classes and scores."""
    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    canvas = ImageDraw.Draw(drawn)
    for found in detections:
        top, left, bottom, right = (v * drawn.width for v in found["box"])
        canvas.rectangle((left, top, right, bottom), outline=(255, 255, 0), width=2)
        score = f" {found['score']:.2f}" if "score" in found else ""
        canvas.text((left + 3, top + 2), found["class"] + score, fill=(0, 0, 0))
    return drawn


def sheet(pictures: list[Image.Image]) -> Image.Image:
    """Square pictures beside each other, four in a row."""
    whole = Image.new("RGB", (4 * SHEET_SIDE, -(-len(pictures) // 4) * SHEET_SIDE))
    for number, picture in enumerate(pictures):
        whole.paste(picture.resize((SHEET_SIDE, SHEET_SIDE)), (number % 4 * SHEET_SIDE, number // 4 * SHEET_SIDE))
    return whole


if __name__ == "__main__":
    print(json.dumps(main(BY_TITLE[sys.argv[1]], sys.argv[2], sys.argv[3], int(sys.argv[4]))))
