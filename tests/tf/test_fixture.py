"""The trained fixture: a genuine training's output, good enough for the demo, and trained only once."""

import subprocess
from collections import Counter

import pytest
from tensorflow.compat import v1 as tf

import evaluate
import shapes
from devcluster import fixture as module
from inference_image_export.exporting import export
from inference_image_export.fetch import Source

COUNT = 40


def test_it_equals_the_output_of_a_tensorflow_1_training(trained):
    prefix = f"model.ckpt-{trained.step}"
    assert {path.name for path in trained.training_output} == {
        "checkpoint",
        "pipeline.config",
        f"{prefix}.index",
        f"{prefix}.meta",
        f"{prefix}.data-00000-of-00001",
    }
    reader = tf.train.NewCheckpointReader(str(trained.directory / prefix))
    assert reader.get_tensor("global_step") == trained.step
    assert (trained.directory / "checkpoint").read_text().splitlines()[0] == f'model_checkpoint_path: "{prefix}"'


def test_the_label_map_names_the_drawn_classes_in_order(trained):
    names = [line.split("'")[1] for line in trained.label_map.read_text().splitlines() if "name:" in line]
    assert tuple(names) == shapes.CLASSES


def test_it_detects_the_shapes_in_the_demos_pictures(trained, tmp_path):
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    source = Source(prefix, prefix.name, trained.directory / "pipeline.config", "pipeline.config", ())
    graph = export(source, "image_tensor", tmp_path / "out").graph
    assert evaluate.share_right(graph, COUNT) >= evaluate.NEEDED


def test_it_is_not_trained_again(trained, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("trained again"))
    assert module.fixture() == trained


def test_equal_seeds_give_equal_pictures_and_other_seeds_others():
    assert shapes.pictures(1, 3) == shapes.pictures(1, 3)
    assert shapes.pictures(1, 3) != shapes.pictures(2, 3)


def test_the_demos_pictures_are_of_another_seed_than_the_trainings():
    assert shapes.DEMO_SEED != shapes.TRAINING_SEED


def test_pictures_hold_one_to_three_shapes_inside_that_do_not_overlap():
    for picture, drawn in shapes.pictures(3, 50, side=32):
        assert picture.startswith(b"\x89PNG")
        assert 1 <= len(drawn) <= 3
        assert all(0 < shape.box[0] < shape.box[2] < 1 and 0 < shape.box[1] < shape.box[3] < 1 for shape in drawn)
    counts = Counter(shape.name for _, drawn in shapes.pictures(3, 50, side=32) for shape in drawn)
    assert set(counts) == set(shapes.CLASSES)


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([("circle", 0.9), ("square", 0.5)], True),
        ([("circle", 0.9), ("circle", 0.8), ("square", 0.6), ("triangle", 0.4)], True),
        ([("circle", 0.9), ("square", 0.49)], False),
        ([("circle", 0.9), ("square", 0.9), ("triangle", 0.5)], False),
        ([], False),
    ],
)
def test_a_picture_is_right_when_exactly_the_drawn_classes_are_found(detections, expected):
    drawn = [shapes.Drawn("circle", (0, 0, 0.4, 0.4)), shapes.Drawn("square", (0.5, 0.5, 0.9, 0.9))]
    assert evaluate.right(drawn, [{"class": name, "score": score} for name, score in detections]) is expected
