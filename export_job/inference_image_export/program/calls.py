"""Which functions of its own a graph calls: how deep the calls are nested, and how many nodes they make together."""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any


def named(value: Any) -> Iterator[str]:  # noqa: ANN401 - an AttrValue, untyped
    """The functions that an attribute names, in its own attributes too."""
    kind = value.WhichOneof("value")
    for function in [value.func] if kind == "func" else value.list.func if kind == "list" else []:
        yield function.name
        for inner in function.attr.values():
            yield from named(inner)


def callees(nodes: Iterable[Any], functions: frozenset[str]) -> list[str]:
    """The functions that nodes call, once for each call: by the name of the op, or in an attribute."""
    found = []
    for node in nodes:
        if node.op in functions:
            found.append(node.op)
        for value in node.attr.values():
            found += named(value)
    return found


class Calls:
    """The calls between the functions of a graph.

    `sizes` are the nodes of each function, `calls` the functions that each calls, both by name. Raises ValueError, with
    the names, when functions call each other in a circle.
    """

    def __init__(self, sizes: Mapping[str, int], calls: Mapping[str, list[str]], most: int) -> None:
        """Counts stop at `most` + 1: nested calls multiply."""
        self._most = most
        self._total: dict[str, int] = {}
        self._depth: dict[str, int] = {}
        try:
            order = list(TopologicalSorter(calls).static_order())
        except CycleError as error:
            raise ValueError(", ".join(error.args[1])) from error
        for name in order:
            self._total[name] = self.nodes(sizes.get(name, 0), calls.get(name, []))
            self._depth[name] = self.depth(calls.get(name, []))

    def nodes(self, own: int, called: Iterable[str]) -> int:
        """The nodes of a body with `own` nodes and these calls, each call with a copy of what it calls."""
        total = own
        for name in called:
            total += self._total.get(name, 0)
            if total > self._most:
                return self._most + 1
        return total

    def depth(self, called: Iterable[str]) -> int:
        """How deep the calls of a body are nested; 0 without calls."""
        return max((self._depth.get(name, 0) + 1 for name in called), default=0)
