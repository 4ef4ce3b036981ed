"""Addition: AddV2 (TensorFlow 1.11) as Add. They differ only for strings, which V2 does not add."""

from typing import Any

from inference_image_export.readable.graph import Graph

OPERATOR = "AddV2"


def rewrite(_: Graph, node: Any) -> bool:  # noqa: ANN401 - a NodeDef, untyped
    """Rewrites one node."""
    node.op = "Add"
    return True
