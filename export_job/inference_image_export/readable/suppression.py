"""Non-maximum suppression: NonMaxSuppressionV3 to V5 (TensorFlow 1.8 to 1.15) as NonMaxSuppressionV2.

All process candidates by descending score. V3 and later skip those with a score not above a threshold; V2 has no
threshold. Skipped candidates come last and suppress nothing before them, so V2 followed by the threshold selects the
same. V5 lowers the scores of overlapping candidates by `soft_nms_sigma`; at 0 it is V4.
"""

from typing import Any

from inference_image_export.readable.graph import BOOL, FLOAT, INT32, INT64, Graph, replace

_SCORES = {"NonMaxSuppressionV5": 1}
_COUNT = {"NonMaxSuppressionV4": 1, "NonMaxSuppressionV5": 2}
_SIGMA = 5
OPERATORS = ("NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5")


def rewrite(graph: Graph, node: Any) -> bool:  # noqa: ANN401 - a NodeDef, untyped
    """Rewrites one node if the result is equivalent; returns whether it did."""
    if not _is_plain(graph, node):
        return False
    boxes, scores, most, overlap, threshold = node.input[:5]
    name, operator = node.name, node.op
    axis = graph.add_constant(node, "axis", 0)
    chosen = graph.add(node, "chosen", "NonMaxSuppressionV2", [boxes, scores, most, overlap])
    theirs = graph.add(
        node, "chosen_scores", "GatherV2", [scores, chosen, axis], Tparams=FLOAT, Tindices=INT32, Taxis=INT32
    )
    above = graph.add(node, "above", "Greater", [theirs, threshold], T=FLOAT)
    where = graph.add(node, "where", "Where", [above], T=BOOL)
    line = graph.add_constant(node, "line", [-1])
    kept = graph.add(node, "kept", "Reshape", [where, line], T=INT64, Tshape=INT32)
    replace(node, "GatherV2", [chosen, kept, axis], Tparams=INT32, Tindices=INT64, Taxis=INT32)
    if operator in _SCORES:
        kept_scores = graph.add(
            node, "scores", "GatherV2", [scores, name, axis], Tparams=FLOAT, Tindices=INT32, Taxis=INT32
        )
        graph.move_output(f"{name}:{_SCORES[operator]}", kept_scores)
    if operator in _COUNT:
        count = graph.add(node, "count", "Size", [name], T=INT32, out_type=INT32)
        graph.move_output(f"{name}:{_COUNT[operator]}", count)
    return True


def _is_plain(graph: Graph, node: Any) -> bool:  # noqa: ANN401 - a NodeDef, untyped
    """Whether it computes with float32, without output padding and without lowered scores."""
    if not graph.type_of(node, "T") == graph.type_of(node, "T_threshold") == FLOAT:
        return False
    if node.attr["pad_to_max_output_size"].b if "pad_to_max_output_size" in node.attr else False:
        return False
    if node.op != "NonMaxSuppressionV5":
        return True
    sigma = graph.constant(node.input[_SIGMA])
    return sigma is not None and float(sigma) == 0
