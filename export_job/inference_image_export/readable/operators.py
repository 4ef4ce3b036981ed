"""What a release of TensorFlow knows: its operators, their attributes, and the types that these may name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent


class Attribute(NamedTuple):
    """One attribute of an operator."""

    has_default: bool
    types: frozenset[int]
    """Numbers of the data types (tensorflow.DataType) that it may name; empty when any may be, or it names none."""


@dataclass(frozen=True)
class Release:
    """A release of TensorFlow whose operators are known. The table comes from that release itself."""

    version: str
    graph_version: int
    """TF_GRAPH_DEF_VERSION (core/public/version.h)."""

    @property
    def table(self) -> Path:
        """The file with its operators; see `tests/tensorflow1/read_operators.py`."""
        return FOLDER / f"operators-{self.version}.txt"

    @cached_property
    def operators(self) -> Mapping[str, Mapping[str, Attribute]]:
        """Name of the operator -> name of the attribute -> what it is."""
        lines = (line.split() for line in self.table.read_text("ascii").splitlines() if not line.startswith("#"))
        return {name: dict(map(_attribute, words)) for name, *words in lines}


RELEASES = (Release("1.7", 26), Release("1.15", 134))
"""The oldest first."""


class Obstacle(NamedTuple):
    """Why a release cannot read a graph."""

    operator: str
    node: str
    what: str
    """A clause whose subject is the release: `has no operator DecodeImage`."""


def obstacle(graph: Any, release: Release) -> Obstacle | None:  # noqa: ANN401 - a GraphDef, untyped
    """The first thing in the graph that the release does not know; None when it reads the graph."""
    if graph.versions.min_consumer > release.graph_version:
        needed = graph.versions.min_consumer
        return Obstacle("", "", f"reads graphs of version {release.graph_version}, and this one needs {needed}")
    return next((found for node in nodes(graph) if (found := _of_node(node, release))), None)


def nodes(graph: Any) -> Iterator[Any]:  # noqa: ANN401 - protobuf messages, untyped
    """The nodes of a graph and of the functions in it."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def is_private(attribute: str) -> bool:
    """Whether every release takes the attribute of any operator: its name begins with an underscore."""
    return attribute.startswith("_")


def _of_node(node: Any, release: Release) -> Obstacle | None:  # noqa: ANN401 - a NodeDef, untyped
    known = release.operators.get(node.op)
    if known is None:
        return Obstacle(node.op, node.name, f"has no operator {node.op}")
    for name, value in node.attr.items():
        if is_private(name):
            continue
        if name not in known:
            return Obstacle(node.op, node.name, f"has no attribute {name} of {node.op}")
        if known[name].types and value.type not in known[name].types:
            return Obstacle(node.op, node.name, f"does not take this type for {name} of {node.op}")
    missing = next((name for name, known_as in known.items() if not known_as.has_default and name not in node.attr), "")
    return Obstacle(node.op, node.name, f"needs the attribute {missing} of {node.op}") if missing else None


def _attribute(word: str) -> tuple[str, Attribute]:
    from tensorflow.core.framework import types_pb2

    name, _, types = word.partition(":")
    numbers = frozenset(types_pb2.DataType.Value(f"DT_{kind.upper()}") for kind in types.split(",") if kind)
    return name.rstrip("="), Attribute(name.endswith("="), numbers)
