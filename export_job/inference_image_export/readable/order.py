"""Sorts nodes so that each follows its inputs: the importer of TensorFlow 1.7 reads constants during the import."""

import heapq
from graphlib import TopologicalSorter
from typing import Any


def sort(graph: Any) -> None:  # noqa: ANN401 - a GraphDef, untyped
    """Sorts the nodes of a graph in place; the sort is stable.

    Ignores the back edge of a loop (NextIteration to Merge). Raises graphlib.CycleError for any other cycle,
    KeyError for an input without a node.
    """
    nodes = {node.name: node for node in graph.node}
    before = {name: place for place, name in enumerate(nodes)}
    sorter = TopologicalSorter({name: _sources(node, nodes) for name, node in nodes.items()})
    sorter.prepare()
    places: dict[str, int] = {}
    ready: list[tuple[int, str]] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (before[name], name))
        _, first = heapq.heappop(ready)
        places[first] = len(places)
        sorter.done(first)
    graph.node.sort(key=lambda node: places[node.name])


def _sources(node: Any, nodes: dict[str, Any]) -> list[str]:  # noqa: ANN401 - a NodeDef, untyped
    sources = [name.removeprefix("^").partition(":")[0] for name in node.input]
    return [source for source in sources if not (nodes[source].op == "NextIteration" and node.op == "Merge")]
