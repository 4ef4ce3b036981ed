"""Graphs that TensorFlow 1.15 reads: what is removed, what is refused, and that the answers stay the same."""

import numpy as np
import pytest
from tensorflow.compat import v1 as tf
from tensorflow.core.protobuf import saved_model_pb2

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical, picture, tf1
from inference_image_export.stage import export_stage
from inference_image_export.verify import run


def beyond(graph) -> list[str]:
    """What 1.15 would stumble over: unknown operators and attributes, and attributes that it misses."""
    found = []
    for node in tf1._nodes(graph):
        known = tf1.operators().get(node.op, {})
        found += [node.op] * (not known and node.op not in tf1.operators())
        found += [f"{node.op}.{name}" for name in node.attr if name not in known and not name.startswith("_")]
        found += [f"{node.op} without {n}" for n, default in known.items() if not default and n not in node.attr]
    return found


def one(operator: str, **attributes) -> tf.GraphDef:
    graph = tf.GraphDef()
    node = graph.node.add(name="n", op=operator)
    for name, value in attributes.items():
        node.attr[name].CopyFrom(tf.AttrValue(**value))
    return graph


FLOAT = {"type": tf.float32.as_datatype_enum}
UNION = {"T": FLOAT, "adj_x": {"b": False}, "adj_y": {"b": False}}


def test_an_export_for_1_15_has_only_what_1_15_knows_and_answers_the_same(world, tmp_path):
    plain, stripped = world, world.asking_for(formats=("SavedModel",), compatibility="TF1")
    files = {}
    for name, one_world in (("plain", plain), ("stripped", stripped)):
        key = export_stage(one_world.stage, one_world.store).graph.key
        files[name] = tmp_path / name
        one_world.store.download(key, files[name])
    assert beyond(canonical.read_graph(files["plain"]))
    assert beyond(canonical.read_graph(files["stripped"])) == []
    asked = [picture.feed("image_tensor")]
    (expected,), (found,) = (run(path, "image_tensor", asked) for path in files.values())
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    data = stripped.store.read(stripped.folder + "saved_model/saved_model.pb", max_bytes=10**8)
    assert beyond(saved_model_pb2.SavedModel.FromString(data).meta_graphs[0].graph_def) == []


@pytest.mark.parametrize(
    ("input_type", "operator"),
    [("encoded_image_string_tensor", "DecodeImage"), ("tf_example", "ParseExampleV2")],
)
def test_an_export_that_decodes_files_itself_is_refused(world, input_type, operator):
    asking = world.asking_for(input_type, compatibility="TF1")
    with pytest.raises(StageError, match=f"it has no operator {operator} ") as caught:
        export_stage(asking.stage, asking.store)
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE
    assert "inputType: image_tensor" in caught.value.hint
    assert asking.published == []


@pytest.mark.parametrize(
    ("graph", "left"),
    [
        (one("BatchMatMulV2", **UNION, grad_x={"b": False}), {"T", "adj_x", "adj_y"}),
        (one("BatchMatMulV2", **UNION), {"T", "adj_x", "adj_y"}),
        (one("Abs", T=FLOAT, _class={"s": b"x"}), {"T", "_class"}),
    ],
    ids=["a later attribute at its default", "nothing", "an internal attribute"],
)
def test_what_is_removed(graph, left):
    tf1.strip(graph)
    assert set(graph.node[0].attr) == left


def newer() -> tf.GraphDef:
    graph = one("Abs", T=FLOAT)
    graph.versions.min_consumer = 1000
    return graph


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (one("BatchMatMulV3", Ta=FLOAT, Tb=FLOAT, Tout=FLOAT), "it has no operator BatchMatMulV3 (n)"),
        (one("BatchMatMulV2", **UNION, grad_x={"b": True}), "its BatchMatMulV2 has no attribute grad_x (n)"),
        (one("Abs", T=FLOAT, invented={"b": True}), "its Abs has no attribute invented (n)"),
        (one("Abs"), "its Abs needs the attribute T (n)"),
        (newer(), "it asks for a reader of graph version 1000"),
    ],
)
def test_what_is_refused(graph, message):
    with pytest.raises(StageError) as caught:
        tf1.strip(graph)
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE
    assert message in caught.value.message


def test_functions_are_looked_into():
    graph = tf.GraphDef()
    graph.library.function.add().node_def.add(name="inside", op="Invented")
    with pytest.raises(StageError, match=r"no operator Invented \(inside\)"):
        tf1.strip(graph)


def test_the_table_knows_the_operators_of_1_15():
    assert len(tf1.operators()) == 1211
    assert tf1.operators()["Conv2D"] == {
        "T": False,
        "data_format": True,
        "dilations": True,
        "explicit_paddings": True,
        "padding": False,
        "strides": False,
        "use_cudnn_on_gpu": True,
    }
