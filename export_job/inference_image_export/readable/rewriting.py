"""Applies all rewrites."""

from collections.abc import Callable, Mapping
from typing import Any

from inference_image_export.readable import addition, batch_norm, order, softmax, suppression
from inference_image_export.readable.attributes import leave_out
from inference_image_export.readable.graph import Graph
from inference_image_export.readable.operators import RELEASES, Release, obstacle

_REWRITES: Mapping[str, Callable[[Graph, Any], bool]] = {
    addition.OPERATOR: addition.rewrite,
    batch_norm.OPERATOR: batch_norm.rewrite,
    softmax.OPERATOR: softmax.rewrite,
    **dict.fromkeys(suppression.OPERATORS, suppression.rewrite),
}
"""Op -> the function that rewrites its nodes where possible."""


def rewrite(graph: Any) -> Release | None:  # noqa: ANN401 - a GraphDef, untyped
    """Rewrites a graph in place, and returns the oldest release that reads the result.

    None when no release of `RELEASES` does; the graph is then unusable. The graph must be one that TensorFlow
    imports: raises KeyError for an input without a node, graphlib.CycleError for a cycle.
    """
    work = Graph(graph)
    for node in list(graph.node):
        if node.op in _REWRITES:
            _REWRITES[node.op](work, node)
    work.finish()
    return next((release for release in RELEASES if restate(graph, release)), None)


def restate(graph: Any, release: Release) -> bool:  # noqa: ANN401 - a GraphDef, untyped
    """Changes a graph in place to the form of `release`; returns whether that release reads it.

    An import adds the attributes of the current TensorFlow, so an imported graph needs this again.
    """
    leave_out(graph, release)
    if obstacle(graph, release):
        return False
    graph.versions.producer = min(graph.versions.producer, release.graph_version)
    order.sort(graph)
    return True
