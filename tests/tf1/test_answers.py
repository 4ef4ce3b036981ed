"""What is exported with `compatibility: TF1`, asked on TensorFlow 1.15 itself: it answers as it does here."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from devcluster.settings import REPOSITORY
from inference_image_export import canonical, picture, saved_model, tf1
from inference_image_export.exporting import export
from inference_image_export.stage import export_stage
from tests.tf.architectures import FAMILIES, checkpoint
from tests.tf1.ask import ask

PYTHON = REPOSITORY / ".venv-tf1" / "bin" / "python"
LARGEST_DIFFERENCE = 1e-5
"""Of any number of any output, in shares of the output's greatest number where that is above 1 (features): they are
float32 sums, which the two add in different orders."""
OF_FAMILY = {"faster_rcnn_resnet50": 1e-2}
"""What is less exact: roundings in its proposals move what its second stage crops, and 50 untrained layers see it."""


def on_1_15(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, REPOSITORY / "tests" / "tf1" / "ask.py", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def write_pictures(folder: Path, pictures: list) -> None:
    for number, asked in enumerate(pictures):
        (folder / f"{number}.tensor").write_bytes(tf.make_tensor_proto(asked).SerializeToString())


def compare(folder: Path, record_property, largest_difference: float = LARGEST_DIFFERENCE) -> None:
    expected, done = ask(folder), on_1_15(folder)
    assert done.stdout == "1.15.5\n", done.stderr
    greatest = 0.0
    for name, outputs in expected.items():
        found = np.load(folder / f"{name}.npz")
        assert set(found) == set(outputs)
        assert outputs["num_detections"].min() > 0
        for output, value in outputs.items():
            assert found[output].shape == value.shape, f"{output} of {name}"
            greatest = max(greatest, float(np.abs(found[output] - value).max() / max(1.0, np.abs(value).max())))
    record_property("differs by", f"{greatest:.1e}")
    assert greatest <= largest_difference


def published(world, folder: Path, **asked) -> Path:
    """The frozen graph and the SavedModel that the stage publishes."""
    asking = world.asking_for(formats=("SavedModel",), **asked)
    result = export_stage(asking.stage, asking.store)
    (folder / "saved_model").mkdir(parents=True)
    asking.store.download(result.graph.key, folder / "graph.pb")
    asking.store.download(result.graph.saved_model.key, folder / "saved_model" / "saved_model.pb")
    return folder


def test_what_the_stage_publishes_answers_the_same(world, tmp_path, record_property):
    folder = published(world, tmp_path / "asked", compatibility="TF1")
    write_pictures(folder, picture.batches())
    compare(folder, record_property)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_answers_the_same(family, tmp_path, record_property):
    source = checkpoint(family, tmp_path, even_features=True)
    definition = canonical.read_graph(export(source, "image_tensor", tmp_path / "output").graph)
    tf1.strip(definition)
    canonical.write(definition, tmp_path / "graph.pb")
    saved_model.write(tmp_path / "graph.pb", "image_tensor", tmp_path / "saved_model", tf1=True)
    write_pictures(tmp_path, picture.batches())
    compare(tmp_path, record_property, OF_FAMILY.get(family.name, LARGEST_DIFFERENCE))


def test_without_compatibility_1_15_cannot_read_it(world, tmp_path):
    folder = published(world, tmp_path / "asked")
    write_pictures(folder, picture.batches()[:1])
    done = on_1_15(folder)
    assert done.returncode
    assert "NodeDef mentions attr" in done.stderr
