"""The example with TensorFlow: the image's layout, a graph with a detector's tensors, and requests from end to end.

The graph here "detects" the colours of a picture, with their brightness as the score.
"""

import io
import json
import shutil
import threading
from pathlib import Path

import pytest
import tensorflow as tf
from PIL import Image

from frozen_graph import INPUT, OUTPUTS, FrozenGraph
from inference_server.app import create_app
from inference_server.config import ServiceConfig, read_config
from inference_server.model import create_model
from inference_server.service import Service
from object_detect_inference import ObjectDetectModel

tf1 = tf.compat.v1
EXAMPLE = Path(__file__).resolve().parents[2] / "examples/object-detect"
BOXES = [[0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 0.75, 0.75], [0.0, 0.5, 1.0, 1.0], [0.0] * 4, [0.0] * 4]
PADDING = 2
"""Padding beyond num_detections, as in the exporter's graphs."""


def colour_graph() -> bytes:
    """A frozen graph: class 1, 2, 3 for red, green, blue."""
    with tf.Graph().as_default() as graph:
        picture = tf1.placeholder(tf.uint8, [1, None, None, 3], name=INPUT)
        shares = tf.reduce_mean(tf.cast(picture, tf.float32), axis=[1, 2]) / 255
        scores, order = tf.nn.top_k(shares, 3)
        padding = [[0, 0], [0, PADDING]]
        tf.pad(scores, padding, name="detection_scores")
        tf.pad(tf.cast(order, tf.float32) + 1, padding, name="detection_classes")
        tf.constant([BOXES], tf.float32, name="detection_boxes")
        tf.constant([3.0], name="num_detections")
    return graph.as_graph_def().SerializeToString()


def png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def image(tmp_path) -> Path:
    """The example with the image's layout, which its Dockerfile and the operator define."""
    directory = tmp_path / "ai"
    shutil.copytree(EXAMPLE / "code", directory)
    shutil.copy(EXAMPLE / "object-detect.conf", directory / "conf.json")
    model_dir = directory / "checkpoint_dir"
    model_dir.mkdir(exist_ok=True)
    (model_dir / "frozen_inference_graph.pb").write_bytes(colour_graph())
    (model_dir / "label_map.pbtxt").write_text(
        "item { id: 1 name: 'red' } item { id: 2 name: 'green' } item { id: 3 name: 'blue' }"
    )
    return directory


def options(image: Path, **values: object) -> ServiceConfig:
    return ServiceConfig(
        "ObjectDetectModel", "object_detect_inference", image, {"model_dir": "checkpoint_dir", **values}
    )


def model(image: Path, **values: object) -> ObjectDetectModel:
    made = ObjectDetectModel(options(image, **values))
    made.load_model()
    return made


def test_the_image_answers_a_picture_with_its_detections(image):
    service = Service(lambda: create_model(read_config(str(image / "conf.json"))), pytest.fail)
    loading = threading.Thread(target=service._load)
    loading.start()
    loading.join(60)
    body = png((0, 255, 153))
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/service",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    status: list[str] = []
    answer = b"".join(create_app(service)(request, lambda line, _: status.append(line)))
    assert status == ["200 OK"]
    assert json.loads(answer) == {
        "detections": [
            {"class": "green", "id": 2, "score": 1.0, "box": BOXES[0]},
            {"class": "blue", "id": 3, "score": pytest.approx(0.6), "box": BOXES[1]},
        ]
    }


def test_each_picture_of_a_batch_gets_its_own_result(image):
    results = model(image).execute([png((255, 0, 0)), b"no picture", png((0, 0, 255))], 3)
    assert [result["detections"][0]["class"] for result in (results[0], results[2])] == ["red", "blue"]
    assert "not a picture" in str(results[1])


def test_the_threshold_is_configured_and_padding_is_no_detection(image):
    assert [
        len(model(image, score_threshold=at).execute([png((255, 26, 0))], 1)[0]["detections"]) for at in (0, 0.05, 1)
    ] == [
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"score_threshold": 1.5}, "score_threshold must be from 0 to 1"),
        ({"score_threshold": "high"}, "high"),
        ({"threads": 0}, "threads must be 1 or more"),
    ],
)
def test_options_out_of_range_are_refused(image, values, words):
    with pytest.raises(ValueError, match=words):
        ObjectDetectModel(options(image, **values))


def test_an_invalid_graph_is_named(tmp_path):
    file = tmp_path / "frozen_inference_graph.pb"
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match=r"frozen_inference_graph\.pb is not a frozen graph"):
        FrozenGraph(file, 1)


@pytest.mark.parametrize("name", [INPUT, *OUTPUTS])
def test_a_graph_that_is_not_a_detector_is_named_with_its_missing_tensor(tmp_path, name):
    definition = tf1.GraphDef.FromString(colour_graph())
    kept = [node for node in definition.node if node.name != name]
    del definition.node[:]
    definition.node.extend(kept)
    file = tmp_path / "frozen_inference_graph.pb"
    file.write_bytes(definition.SerializeToString())
    with pytest.raises(ValueError, match=f"it lacks {name}"):
        FrozenGraph(file, 1)


@pytest.mark.parametrize("absent", ["frozen_inference_graph.pb", "label_map.pbtxt"])
def test_a_missing_file_of_the_operator_is_named(image, absent):
    (image / "checkpoint_dir" / absent).unlink()
    with pytest.raises(FileNotFoundError, match=absent):
        model(image)
