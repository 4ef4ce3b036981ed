"""Batch normalization: FusedBatchNormV3 (TensorFlow 1.14) as FusedBatchNorm."""

from typing import Any

from inference_image_export.readable.graph import FLOAT, Graph

OPERATOR = "FusedBatchNormV3"


def rewrite(graph: Graph, node: Any) -> bool:  # noqa: ANN401 - a NodeDef, untyped
    """Rewrites one node if both ops compute the same; returns whether it did.

    V3 adds a type for scale and offset (`U`), an average that only training computes, and a sixth output that only
    training reads.
    """
    is_training = "is_training" not in node.attr or node.attr["is_training"].b
    same_types = graph.type_of(node, "T") == graph.type_of(node, "U") == FLOAT
    if is_training or not same_types or not graph.used_outputs(node) <= {0}:
        return False
    node.op = "FusedBatchNorm"
    for name in ("U", "exponential_avg_factor"):
        node.attr.pop(name, None)
    return True
