"""Softmax over the last dimension: TensorFlow 1.7 requires two dimensions, so other inputs are reshaped.

`tf.nn.softmax` of that release does the same. The kernel of later releases works row by row as well.
"""

from typing import Any

from inference_image_export.readable.graph import FLOAT, INT32, Graph, replace

OPERATOR = "Softmax"
_PLAIN = 2
_ALL = 2**31 - 1


def rewrite(graph: Graph, node: Any) -> bool:  # noqa: ANN401 - a NodeDef, untyped
    """Reshapes the input of one node unless it is known to have two dimensions; returns whether it did."""
    values = node.input[0]
    if graph.type_of(node, "T") != FLOAT or _rank(graph, values) == _PLAIN:
        return False
    shape = graph.add(node, "shape", "Shape", [values], T=FLOAT, out_type=INT32)
    begin, end, stride = (
        graph.add_constant(node, name, [value]) for name, value in (("begin", -1), ("end", _ALL), ("stride", 1))
    )
    last = graph.add(node, "last", "StridedSlice", [shape, begin, end, stride], T=INT32, Index=INT32)
    axis = graph.add_constant(node, "axis", 0)
    rows = graph.add(node, "rows", "ConcatV2", [begin, last, axis], T=INT32, Tidx=INT32)
    graph.nodes[rows].attr["N"].i = 2
    folded = graph.add(node, "folded", "Reshape", [values, rows], T=FLOAT, Tshape=INT32)
    softmax = graph.add(node, "softmax", OPERATOR, [folded], T=FLOAT)
    replace(node, "Reshape", [softmax, shape], T=FLOAT, Tshape=INT32)
    return True


def _rank(graph: Graph, name: str) -> int | None:
    """The number of dimensions if the graph states it, else None."""
    node = graph.nodes[name.partition(":")[0]]
    while node.op in {"BiasAdd", "Identity"}:
        node = graph.nodes[node.input[0].partition(":")[0]]
    if node.op == "MatMul":
        return _PLAIN
    shape = graph.constant(node.input[1]) if node.op == "Reshape" else None
    return None if shape is None else int(shape.size)
