"""Every architecture family that the package knows and this machine can hold: exported, loaded, run."""

import numpy as np
import pytest
from tensorflow.compat import v1 as tf

from inference_image_export import canonical
from inference_image_export.exporting import export
from inference_image_export.verify import verify
from tests.tf.architectures import AVERAGE, FAMILIES, NUM_CLASSES, checkpoint


def weights(graph) -> dict[str, np.ndarray]:
    """The constants of a frozen graph by name."""
    constants = (node for node in canonical.read_graph(graph).node if node.op == "Const")
    return {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in constants}


def equal(saved, name: str, other: str) -> bool:
    return np.array_equal(saved.get_tensor(name), saved.get_tensor(other))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_exported_loaded_and_run_with_the_weights_of_its_checkpoint(family, tmp_path):
    source = checkpoint(family, tmp_path)
    graph = export(source, "image_tensor", tmp_path / "output").graph
    answers = verify(graph, "image_tensor", NUM_CLASSES)
    assert answers["num_detections"][0] > 0
    saved, frozen = tf.train.load_checkpoint(str(source.checkpoint_prefix)), weights(graph)
    names = [name for name in saved.get_variable_to_shape_map() if name in frozen]
    assert len(names) > 20
    wanted = [name + AVERAGE if saved.has_tensor(name + AVERAGE) else name for name in names]
    differ = [name for name, shadow in zip(names, wanted, strict=True) if not equal(saved, name, shadow)]
    assert (len(differ) > 20) is family.averages
    for name, shadow in zip(names, wanted, strict=True):
        assert np.array_equal(frozen[name], saved.get_tensor(shadow)), name
