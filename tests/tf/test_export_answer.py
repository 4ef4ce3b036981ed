"""The frozen graph's answer to a sample: the reference for the built image."""

import io
import json

import msgspec
import numpy as np
import pytest
from PIL import Image

from inference_image_contract import inputs, sample
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import picture
from inference_image_export.answer import detections
from tests.support.exporting import answer_stage, export_stage


def photo(**form) -> bytes:
    """A noisy gradient as a picture file."""
    rows = np.linspace(0, 255, 90 * 70 * 3).reshape(90, 70, 3) + np.random.default_rng(3).normal(0, 9, (90, 70, 3))
    file = io.BytesIO()
    Image.fromarray(rows.clip(0, 255).astype(np.uint8)).save(file, **form)
    return file.getvalue()


@pytest.mark.parametrize("form", [{"format": "JPEG"}, {"format": "JPEG", "progressive": True}, {"format": "PNG"}])
def test_a_picture_is_decoded_as_the_examples_service_decodes_it(form):
    data = photo(**form)
    (decoded,) = picture.feed_file("image_tensor", data)
    assert np.array_equal(decoded, np.asarray(Image.open(io.BytesIO(data))))


def asking(world, graph, **changes) -> inputs.AnswerInput:
    stored = inputs.StoredFile(key=graph.key, sha256=graph.sha256, size=graph.size)
    of_world = {"ufile": world.stage.ufile, "input_lock": world.stage.input_lock, "input_type": world.stage.input_type}
    return inputs.AnswerInput(**of_world, graph=stored, **changes)


def test_every_input_type_finds_the_same_in_a_sample(world, tmp_path):
    world.store.write(photo(format="PNG"), "uai/sample.png")
    found = {}
    for input_type in ("image_tensor", "encoded_image_string_tensor", "tf_example"):
        of_type = world.asking_for(input_type)
        graph = export_stage(of_type.stage, world.store).graph
        result = answer_stage(asking(of_type, graph, sample="uai/sample.png"), world.store, tmp_path / input_type)
        found[input_type] = json.loads((tmp_path / input_type).read_bytes())
        assert result.detections == len(found[input_type]) > 0
    assert found["image_tensor"] == found["encoded_image_string_tensor"] == found["tf_example"]
    scores = [detection["score"] for detection in found["image_tensor"]]
    assert scores == sorted(scores, reverse=True)


LABEL_MAP = """
item { id: 1 name: "n01" display_name: "disc" }
item { id: 0 name: 'background' }
item { id: 1 name: 'another' }
item { id: 2 name: 'square' keypoints { id: 1 label: "corner" } }
"""


def test_detections_are_named_by_the_label_map(exported_world, first_export, tmp_path):
    world = exported_world.of_labels(LABEL_MAP.encode("utf-8-sig"))
    graph = first_export.done.graph
    answer_stage(asking(world, graph), world.store, tmp_path / "answer")
    found = {one["id"]: one["names"] for one in json.loads((tmp_path / "answer").read_bytes())}
    assert found == {id_: {1: ["disc", "n01"], 2: ["square"]}.get(id_, []) for id_ in found}
    assert 1 in found


@pytest.mark.parametrize(
    ("data", "reason"), [(b"item {", Reason.LABEL_MAP_INVALID), (b"\xff", Reason.LABEL_MAP_INVALID)]
)
def test_an_invalid_label_map_is_reported(exported_world, first_export, tmp_path, data, reason):
    world, graph = exported_world, first_export.done.graph
    with pytest.raises(StageError, match=r"label_map\.pbtxt") as caught:
        answer_stage(asking(world.of_labels(data), graph), world.store, tmp_path / "answer")
    assert caught.value.reason is reason


def test_another_label_map_than_the_pinned_one_is_not_read(exported_world, first_export, tmp_path):
    world, graph = exported_world, first_export.done.graph
    world.store.write(b"item { id: 1 name: 'other' }", world.input_lock.label_map.key)
    with pytest.raises(StageError) as caught:
        answer_stage(asking(world, graph), world.store, tmp_path / "answer")
    assert caught.value.reason is Reason.SOURCE_CHANGED


def test_without_a_sample_it_is_the_drawn_one(exported_world, first_export, tmp_path):
    world, graph = exported_world, first_export.done.graph
    world.store.write(sample.png(), "uai/drawn.png")
    for name, stage in (("none", asking(world, graph)), ("named", asking(world, graph, sample="uai/drawn.png"))):
        answer_stage(stage, world.store, tmp_path / name)
    assert (tmp_path / "none").read_bytes() == (tmp_path / "named").read_bytes()


def test_an_invalid_picture_is_reported(exported_world, first_export, tmp_path):
    world, graph = exported_world, first_export.done.graph
    world.store.write(b"not a picture", "uai/sample.png")
    with pytest.raises(StageError, match=r"spec\.test\.sample uai/sample\.png") as caught:
        answer_stage(asking(world, graph, sample="uai/sample.png"), world.store, tmp_path / "answer")
    assert caught.value.reason is Reason.SAMPLE_INVALID


def test_a_graph_other_than_the_verified_one_is_not_run(exported_world, first_export, tmp_path):
    world, graph = exported_world, first_export.done.graph
    other = msgspec.structs.replace(graph, sha256="0" * 64)
    with pytest.raises(StageError) as caught:
        answer_stage(asking(world, other), world.store, tmp_path / "answer")
    assert caught.value.reason is Reason.OBJECT_CORRUPT


def test_the_padding_is_omitted():
    outputs = {
        "num_detections": np.array([1.0], np.float32),
        "detection_scores": np.array([[0.5, 0.25]], np.float32),
        "detection_classes": np.array([[2, 1]], np.float32),
        "detection_boxes": np.array([[[0, 0, 0.5, 1], [0, 0, 0, 0]]], np.float32),
    }
    assert detections(outputs) == [{"id": 2, "score": 0.5, "box": [0.0, 0.0, 0.5, 1.0]}]
