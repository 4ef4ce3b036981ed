"""The other formats of a graph: written, compared with it, published before the result; equal bytes for equal input."""

import hashlib
import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tensorflow.compat import v1 as tf

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical, onnx_model, picture, saved_model
from inference_image_export.verify import OUTPUTS, run
from tests.support.exporting import export_stage, run_containers
from tests.tf.conftest import made

EVERY = ("ONNX", "SavedModel")
NAMES = ("frozen_inference_graph.pb", "model.onnx", "saved_model/saved_model.pb")
PLAIN = "uai/object-export-output/frozen_inference_graph.pb"


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The world after one export in every format, by the container's command in a separate process; and the files."""
    folder = tmp_path_factory.mktemp("forms")
    with made(trained, folder) as plain:
        world = plain.asking_for(formats=EVERY)
        result = run_container(world, folder, "1")
        yield world, result, files_of(world, folder / "files")


def files_of(world, folder: Path) -> dict[str, Path]:
    """What was published, downloaded."""
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        world.store.download(world.folder + name, folder / name)
    return {name: folder / name for name in NAMES}


def run_container(world, folder: Path, hash_seed: str) -> dict:
    keys = {"UFILE_PUBLIC_KEY": "public-key-of-the-tests", "UFILE_PRIVATE_KEY": "private-key-of-the-tests"}
    done = run_containers(world.stage, folder, keys, PYTHONHASHSEED=hash_seed)
    assert done[-1].returncode == 0, done[-1].stderr
    return json.loads((folder / "termination-log").read_bytes())


def test_every_form_is_published_before_the_result_names_it(exported):
    world, _, _ = exported
    puts = [key.removeprefix(world.folder) for method, key in world.stand_in.seen if method == "PUT"]
    *forms, result, plain = puts[-6:]
    assert set(forms) == {"pipeline.config", "saved_model/saved_model.pb", "model.onnx", "frozen_inference_graph.pb"}
    assert (result, plain) == ("result.json", PLAIN)


def test_the_result_names_every_form_with_its_checksum_and_the_greatest_difference(exported):
    world, result, files = exported
    graph = result["graph"]
    for form, name in zip((graph, graph["onnx"], graph["savedModel"]), NAMES, strict=True):
        data = files[name].read_bytes()
        assert (form["key"], form["size"]) == (world.folder + name, len(data))
        assert form["sha256"] == hashlib.sha256(data).hexdigest()
    assert 0 < float(graph["onnx"]["greatestDifference"]) < 1e-5
    stored = world.store.read(world.folder + "result.json", max_bytes=10_000)
    assert msgspec.json.decode(stored) == graph


def test_equal_input_gives_equal_bytes_in_every_form_whatever_the_process(exported, trained, tmp_path):
    _, _, first = exported
    with made(trained, tmp_path) as world:
        again = world.asking_for(formats=EVERY)
        run_container(again, tmp_path, "2")
        second = files_of(again, tmp_path / "files")
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }


def test_the_onnx_model_answers_like_the_graph_on_a_picture_that_the_export_has_not_seen(exported):
    import onnxruntime  # noqa: PLC0415 - slow to load, and needed here only

    _, _, files = exported
    batch = np.random.default_rng(5).integers(0, 256, (3, 70, 110, 3), np.uint8)
    session = onnxruntime.InferenceSession(files["model.onnx"], providers=["CPUExecutionProvider"])
    answers = session.run([f"{name}:0" for name in OUTPUTS], {"image_tensor:0": batch})
    (expected,) = run(files["frozen_inference_graph.pb"], "image_tensor", [batch])
    assert onnx_model.difference(expected, dict(zip(OUTPUTS, answers, strict=True))) < 1e-5


def test_the_saved_model_has_the_signature_of_the_object_detection_api(exported):
    _, _, files = exported
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, ["serve"], str(files["saved_model/saved_model.pb"].parent))
    signature = model.signature_def["serving_default"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert {name: tensor.name for name, tensor in signature.inputs.items()} == {"inputs": "image_tensor:0"}
    assert {*OUTPUTS, "raw_detection_boxes", "raw_detection_scores"} <= set(signature.outputs)


def test_a_rerun_gives_every_form_again_and_writes_nothing(exported):
    world, result, _ = exported
    before = len(world.stand_in.seen)
    again = export_stage(world.stage, world.store).graph
    assert msgspec.to_builtins(again) == result["graph"]
    assert not [method for method, _ in world.stand_in.seen[before:] if method == "PUT"]


def test_a_model_that_differs_too_much_is_not_published(world, monkeypatch):
    monkeypatch.setattr(onnx_model, "LARGEST_DIFFERENCE", 0)
    world = world.asking_for(formats=("ONNX",))
    with pytest.raises(StageError) as caught:
        export_stage(world.stage, world.store)
    assert caught.value.reason is Reason.ONNX_DIFFERS
    assert world.published == []


def test_a_converter_that_is_killed_ran_out_of_memory(tmp_path, monkeypatch):
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(StageError, match="tf2onnx was killed") as caught:
        onnx_model.write(tmp_path / "graph.pb", tmp_path / "model.onnx")
    assert caught.value.reason is Reason.OUT_OF_MEMORY


def small_graph(path: Path, *, score: float = 0.5, decodes: bool = False) -> Path:
    """A graph with a detector's names that always answers the same; it may decode a file."""
    with tf.Graph().as_default() as graph:
        pictures = tf.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        if decodes:
            text = tf.strings.substr("text", tf.size(pictures) * 0, 1)
            score += 1e-9 * tf.cast(tf.io.decode_raw(text, tf.uint8), tf.float32)[0]
        ones = tf.ones([tf.shape(pictures)[0], 1], tf.float32)
        tf.multiply(ones, score, name="detection_scores")
        tf.identity(ones, name="detection_classes")
        tf.tile(ones[:, :, None], [1, 1, 4], name="detection_boxes")
        tf.reshape(ones, [-1], name="num_detections")
    canonical.write(graph.as_graph_def(), path)
    return path


def test_a_different_model_is_detected(tmp_path):
    onnx_model.write(small_graph(tmp_path / "one.pb", score=0.5), tmp_path / "model.onnx")
    assert onnx_model.accept(onnx_model.compare(tmp_path / "one.pb", tmp_path / "model.onnx")) == "0.0e+00"
    found = onnx_model.compare(small_graph(tmp_path / "other.pb", score=0.6), tmp_path / "model.onnx")
    with pytest.raises(StageError, match=r"differ from the frozen graph's by 1\.0e-01") as caught:
        onnx_model.accept(found)
    assert caught.value.reason is Reason.ONNX_DIFFERS


def test_an_op_that_onnx_lacks_is_named(tmp_path):
    graph = small_graph(tmp_path / "graph.pb", decodes=True)
    with pytest.raises(StageError, match=r"Substr|DecodeRaw") as caught:
        onnx_model.write(graph, tmp_path / "model.onnx")
    assert caught.value.reason is Reason.ONNX_FAILED


def answers(scores, classes=(1, 2, 3), shift=0.0, count=3) -> dict[str, np.ndarray]:
    boxes = np.array([[[0.1, 0.1, 0.2, 0.2], [0.5, 0.5, 0.7, 0.7], [0.3, 0.3, 0.9, 0.9]]], np.float32)
    return {
        "num_detections": np.array([count], np.float32),
        "detection_boxes": boxes[:, [c - 1 for c in classes]] + np.float32(shift),
        "detection_scores": np.array([scores], np.float32),
        "detection_classes": np.array([classes], np.float32),
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (answers((0.9, 0.5, 0.2)), 0),
        (answers((0.9, 0.6, 0.2)), 0.1),
        (answers((0.9, 0.5, 0.2), shift=0.25), 0.25),
        (answers((0.9, 0.2, 0.5), (1, 3, 2)), 0),
        (answers((0.9, 0.5, 0.2), (1, 2, 2)), float("inf")),
        (answers((0.9, np.nan, 0.2)), float("inf")),
        (answers((0.9, 0.5), (1, 2), count=2), float("inf")),
    ],
    ids=["equal", "a score", "the boxes", "another order", "a class is lost", "no number", "fewer"],
)
def test_the_difference_of_two_answers(found, expected):
    assert onnx_model.difference(answers((0.9, 0.5, 0.2)), found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("input_type", ["encoded_image_string_tensor", "tf_example"])
def test_a_saved_model_of_every_input_type(world, input_type):
    world = world.asking_for(input_type, formats=("SavedModel",))
    graph = export_stage(world.stage, world.store).graph
    assert graph.saved_model.key == world.folder + "saved_model/saved_model.pb"


def test_a_saved_model_with_other_answers_is_rejected(tmp_path):
    graph = small_graph(tmp_path / "graph.pb")
    file = saved_model.write(graph, "image_tensor", tmp_path / "saved_model", "1.7")
    (sound,) = run(graph, "image_tensor", [picture.feed("image_tensor")])
    saved_model.check(file.parent, "image_tensor", sound)
    with pytest.raises(StageError, match="detection_scores"):
        saved_model.check(file.parent, "image_tensor", sound | {"detection_scores": sound["detection_scores"] + 1})
