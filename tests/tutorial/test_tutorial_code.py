"""The tutorial's inference code on TensorFlow 1.7.0, with a graph whose scores depend on the picture."""

import shutil
import subprocess

import pytest
from PIL import Image

from devcluster.images import python27
from tests.tutorial.conftest import EXAMPLE

GRAPH = """
import tensorflow as tf
picture = tf.placeholder(tf.uint8, {shape}, "image_tensor")
share = tf.to_float(picture[0, 0, 0, 0]) / 255
boxes = [[[0, 0, 0.5, 1], [0.25, 0.25, 0.75, 0.75], [0, 0, 1, 1], [0, 0, 0, 0]]]
tf.multiply(tf.constant(boxes, tf.float32), 1.0, "detection_boxes")
tf.multiply(tf.constant([[0.9, 0.6, 0.5, 0.0]]), share, "detection_scores")
tf.constant([[2.0, 1.0, 1.0, 1.0]], name="detection_classes")
tf.constant([3.0], name="num_detections")
with open("/mnt/frozen_inference_graph.pb", "wb") as file:
    file.write(tf.get_default_graph().as_graph_def().SerializeToString())
"""
LABEL_MAP = """
item { id: 1 name: "n1" display_name: "cat" }
item { id: 2 name: 'dog' }
"""


@pytest.fixture
def detector(serve, root, tmp_path):
    """detector("[None, None, None, 3]") serves a graph that takes pictures of this shape."""

    def start(shape):
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "graph.py").write_text(GRAPH.format(shape=shape))
        subprocess.run(python27.argv(root, folder, ["python2.7", "-W", "ignore", "/mnt/graph.py"]), check=True)
        (folder / "label_map.pbtxt").write_text(LABEL_MAP)
        return serve("object_detect_inference", "ObjectDetectModel", folder)

    return start


@pytest.fixture
def picture(tmp_path):
    """picture(255, "RGBA") is a file of one colour."""

    def draw(level, mode="RGB"):
        Image.new("L", (40, 30), level).convert(mode).save(tmp_path / "picture.png")
        return tmp_path / "picture.png"

    return draw


def test_detections_above_the_threshold_are_answered_by_name(detector, picture):
    service = detector("[None, None, None, 3]")
    for level, mode, answer in [
        (255, "RGB", b"[[0.0, 0.0, 0.5, 1.0, u'dog'], [0.25, 0.25, 0.75, 0.75, u'cat']]"),
        (200, "RGBA", b"[[0.0, 0.0, 0.5, 1.0, u'dog']]"),
        (100, "L", b"[]"),
    ]:
        asked = service.curl("/service", "--request", "POST", "--upload-file", picture(level, mode))
        assert asked == (200, answer)


def test_invalid_pictures_are_reported(detector):
    status, body = detector("[1, None, None, 3]").curl("/service", "--data-binary", "no picture")
    assert status == 500
    assert body.startswith(b"IOError: cannot identify image file")


def test_a_graph_for_pictures_of_one_size_is_refused(detector):
    service = detector("[1, 300, 300, 3]")
    assert service.end() != 0
    assert "ValueError: The graph accepts [1, 300, 300, 3], not pictures of any size" in service.log


def test_every_file_is_python_2(root, tmp_path):
    for name in ("code", "server"):
        shutil.copytree(EXAMPLE / name, tmp_path / name)
    assert len(list((tmp_path / "code").glob("*.py"))) == 9
    command = ["python2.7", "-m", "compileall", "-q", python27.WORK]
    done = subprocess.run(python27.argv(root, tmp_path, command), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
