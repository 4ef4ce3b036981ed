"""Verification: which graphs and which outputs are refused, and why."""

import numpy as np
import pytest
from tensorflow.compat import v1 as tf

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import picture
from inference_image_export.verify import check, verify


def outputs(**changes):
    """Valid outputs of a detector of three classes, with changes."""
    sound = {
        "num_detections": np.array([2], np.float32),
        "detection_boxes": np.full((1, 5, 4), 0.5, np.float32),
        "detection_scores": np.linspace(0, 1, 5, dtype=np.float32)[None],
        "detection_classes": np.array([[1, 2, 3, 1, 1]], np.float32),
    }
    return {name: np.asarray(value, np.float32) for name, value in (sound | changes).items()}


def graph_file(path, drop=""):
    """A frozen graph with constant answers, without one of its outputs."""
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        for name, value in outputs().items():
            if name != drop:
                tf.constant(value, name=name)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def refusal(call, *arguments):
    with pytest.raises(StageError) as caught:
        call(*arguments)
    assert caught.value.reason is Reason.GRAPH_INVALID
    return caught.value.message


def test_valid_outputs_pass():
    check(outputs(), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_detections": [6]}, "num_detections has values from 6 to 6, beyond 0 to 5"),
        ({"num_detections": [[2]]}, "num_detections has shape (1, 1), not (1)"),
        ({"detection_boxes": np.zeros((1, 5, 3))}, "detection_boxes has shape (1, 5, 3), not (1, n, 4)"),
        ({"detection_boxes": np.full((1, 5, 4), np.nan)}, "detection_boxes contains NaN or infinite values"),
        ({"detection_scores": [[np.inf] * 5]}, "detection_scores contains NaN or infinite values"),
        ({"detection_scores": [[1.5] * 5]}, "detection_scores has values from 1.5 to 1.5"),
        ({"detection_scores": [[0.5] * 4]}, "disagree on the number of detections"),
        ({"detection_classes": [[1, 2, 3, 4, 1]]}, "detection_classes has values from 1 to 4, beyond 1 to 3"),
        ({"detection_classes": [[0] * 5]}, "detection_classes has values from 0 to 0"),
    ],
)
def test_outputs_that_no_detector_has(changes, message):
    assert message in refusal(check, outputs(**changes), 3)


def test_an_output_of_another_type():
    wrong = outputs() | {"detection_classes": np.ones((1, 5), np.int64)}
    assert "detection_classes is int64, not float32" in refusal(check, wrong, 3)


def test_a_valid_graph_passes(tmp_path):
    verify(graph_file(tmp_path / "graph.pb"), "image_tensor", 3)


@pytest.mark.parametrize("name", ["num_detections", "detection_boxes", "detection_scores", "detection_classes"])
def test_a_graph_without_an_output_is_refused(tmp_path, name):
    message = refusal(verify, graph_file(tmp_path / "graph.pb", drop=name), "image_tensor", 3)
    assert f"it has no {name}" in message


def test_a_graph_of_another_input_type_is_refused(tmp_path):
    message = refusal(verify, graph_file(tmp_path / "graph.pb"), "tf_example", 3)
    assert "it has no tf_example" in message


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff nonsense", "This is not a frozen graph"), (b"", "verification with a picture: it has no")],
)
def test_bytes_that_are_not_a_graph_are_refused(tmp_path, data, message):
    path = tmp_path / "graph.pb"
    path.write_bytes(data)
    assert message in refusal(verify, path, "image_tensor", 3)


def test_a_graph_that_fails_on_a_picture_is_refused(tmp_path):
    with tf.Graph().as_default() as graph:
        pixels = tf.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        for name in outputs():
            tf.reshape(tf.cast(pixels, tf.float32), [7], name=name)
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    assert "it fails on the test picture" in refusal(verify, path, "image_tensor", 3)


def test_the_picture_is_the_same_whichever_way_it_is_fed():
    (example,) = picture.feed("tf_example")
    encoded = tf.train.Example.FromString(example).features.feature["image/encoded"].bytes_list.value[0]
    with tf.Graph().as_default(), tf.Session() as session:
        decoded = session.run(tf.image.decode_png(encoded))
    assert picture.feed("encoded_image_string_tensor") == [encoded]
    assert np.array_equal(picture.feed("image_tensor")[0], decoded)
