"""Matching subgraphs by operation types, as the exporter uses it to replace a resize."""

import pytest
from object_detection_tf1.graph_matcher import GraphMatcher, OneofPattern, OpTypePattern
from tensorflow.compat import v1 as tf


@pytest.fixture
def graph():
    """(x * 2) + y, with Mul's constant second."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        y = tf.placeholder(tf.float32, [2], name="y")
        tf.add(tf.multiply(x, tf.constant(2.0, name="two"), name="product"), y, name="sum")
    return graph


def names(graph, pattern):
    return [match.get_op(pattern).name for match in GraphMatcher(pattern).match_graph(graph)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (OpTypePattern("Placeholder"), ["x", "y"]),
        (OpTypePattern("Mul|AddV2"), ["product", "sum"]),
        (OpTypePattern("Mul", inputs=["*", "Const"]), ["product"]),
        (OpTypePattern("Mul", inputs=["Const", "*"]), []),
        (OpTypePattern("Mul", inputs=["Const", "Placeholder"], ordered_inputs=False), ["product"]),
        (OpTypePattern("Mul", inputs=["*"]), []),
        (OpTypePattern("AddV2", inputs=[OneofPattern([OpTypePattern("Sub"), OpTypePattern("Mul")]), "*"]), ["sum"]),
        (OpTypePattern("AddV2", inputs=[OneofPattern([OpTypePattern("Sub")]), "*"]), []),
    ],
)
def test_pattern(graph, pattern, expected):
    assert names(graph, pattern) == expected


def test_a_match_tells_which_operation_each_pattern_found(graph):
    constant = OpTypePattern("Const")
    pattern = OpTypePattern("Mul", inputs=[constant, "*"], ordered_inputs=False)
    (match,) = GraphMatcher(pattern).match_graph(graph)
    assert match.get_op(constant).name == "two"
    assert match.get_op(OpTypePattern("Const")) is None
