"""The exporter runs as TensorFlow 1 ran it, without AutoGraph, and makes the graph that its own script makes."""

import tempfile

import pytest
from object_detection import exporter
from tensorflow.compat import v1 as tf

from inference_image_export.exporting import _read_config, export
from inference_image_export.fetch import Source


@pytest.fixture(scope="module")
def source(trained) -> Source:
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    return Source(prefix, prefix.name, trained.directory / "pipeline.config", "pipeline.config", ())


@pytest.fixture(scope="module", params=["image_tensor", "tf_example"])
def exported(request, source, tmp_path_factory):
    """The input type, the exported graph, and the folder of all temporary files."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        output = export(source, request.param, folder / "output")
    return request.param, output.graph.read_bytes(), folder


def test_autograph_converts_nothing(exported):
    """It writes each function that it converts into a temporary file."""
    _, _, folder = exported
    assert [path.name for path in folder.iterdir()] == ["output"]


def test_the_graph_is_that_of_the_exporters_own_script(exported, source, tmp_path):
    """The script lets AutoGraph convert what `map_fn` calls."""
    input_type, graph, _ = exported
    with tf.Graph().as_default():
        exporter.export_inference_graph(
            input_type, _read_config(source), str(source.checkpoint_prefix), str(tmp_path / "output")
        )
    assert (tmp_path / "output" / "frozen_inference_graph.pb").read_bytes() == graph
