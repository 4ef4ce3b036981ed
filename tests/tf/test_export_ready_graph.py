"""An imported graph in place of a checkpoint: verified the same way, published under its fingerprint."""

import pytest

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical
from tests.support.exporting import export_stage
from tests.tf.test_export_forms import small_graph


@pytest.fixture
def data(tmp_path) -> bytes:
    return small_graph(tmp_path / "ready.pb").read_bytes()


def test_it_is_published_under_the_fingerprint_without_a_config(world, data, tmp_path):
    world = world.of_graph(data, formats=("ONNX", "SavedModel"))
    graph = export_stage(world.stage, world.store).graph
    names = ("frozen_inference_graph.pb", "model.onnx", "result.json", "saved_model/saved_model.pb")
    assert set(world.published) == {
        *(world.folder + name for name in names),
        "uai/object-export-output/frozen_inference_graph.pb",
    }
    world.store.download(graph.key, tmp_path / "graph.pb")
    published, ready = (canonical.read_graph(tmp_path / name).node for name in ("graph.pb", "ready.pb"))
    assert [(node.name, node.op, node.input) for node in published] == [(n.name, n.op, n.input) for n in ready]
    assert graph.readable_by == "1.7"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"\xff" * 100, "This is not a frozen graph"),
        (lambda data: data.replace(b"detection_scores", b"detection_stores"), "it has no detection_scores"),
        (lambda data: data.replace(b"image_tensor", b"image_sensor"), "it has no image_tensor"),
        (lambda data: data[: len(data) // 2], ""),
    ],
    ids=["no graph", "no detector", "another input", "cut"],
)
def test_a_graph_of_no_detector_is_rejected_and_not_published(world, data, change, message):
    world = world.of_graph(change(data))
    with pytest.raises(StageError) as caught:
        export_stage(world.stage, world.store)
    assert caught.value.reason is Reason.GRAPH_INVALID
    assert message in caught.value.message
    assert world.published == []


def test_a_graph_that_changed_since_is_source_changed(world, data):
    world = world.of_graph(data)
    world.store.write(data + b"\x00", "models/frozen_inference_graph.pb")
    with pytest.raises(StageError) as caught:
        export_stage(world.stage, world.store)
    assert caught.value.reason is Reason.SOURCE_CHANGED
