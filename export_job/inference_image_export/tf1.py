"""Makes a graph readable for TensorFlow 1.15: removes attributes that came later, refuses what cannot be removed."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

TABLE = Path(__file__).with_name("tensorflow-1.15-ops.txt")
"""An operator a line, then its attributes; `=` marks those with a default. Made by `tests/tf1/read_ops.py`."""

GRAPH_VERSION = 134
"""TF_GRAPH_DEF_VERSION of TensorFlow 1.15 (core/public/version.h)."""

Operators = Mapping[str, Mapping[str, bool]]
"""Operator -> attribute -> whether it has a default."""


@cache
def operators() -> Operators:
    """Every operator of TensorFlow 1.15."""
    lines = (line.split() for line in TABLE.read_text("ascii").splitlines() if not line.startswith("#"))
    return {name: {word.rstrip("="): word.endswith("=") for word in attributes} for name, *attributes in lines}


def strip(graph: Any) -> int:  # noqa: ANN401 - a protobuf message, untyped
    """Removes from a GraphDef, in place, the attributes that 1.15 does not know, and returns how many there were.

    Only attributes at their default go: the operator then does in 1.15 what it does today. Raises StageError
    (`GraphIncompatible`) for an operator that 1.15 lacks, for an unknown attribute with another value, and for a
    missing attribute that got its default later.
    """
    if graph.versions.min_consumer > GRAPH_VERSION:
        raise _incompatible(f"it asks for a reader of graph version {graph.versions.min_consumer}")
    return sum(_strip_node(node) for node in _nodes(graph))


def _nodes(graph: Any) -> Iterator[Any]:  # noqa: ANN401 - protobuf messages, untyped
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _strip_node(node: Any) -> int:  # noqa: ANN401 - a protobuf message, untyped
    known = operators().get(node.op)
    if known is None:
        raise _incompatible(f"it has no operator {node.op} ({node.name})")
    node.ClearField("experimental_type")
    later = [name for name in node.attr if name not in known and not name.startswith("_")]
    for name in later:
        if node.attr[name] != _default_of_today(node.op, name):
            raise _incompatible(f"its {node.op} has no attribute {name} ({node.name})")
        del node.attr[name]
    missing = [name for name, has_default in known.items() if not has_default and name not in node.attr]
    if missing:
        raise _incompatible(f"its {node.op} needs the attribute {missing[0]} ({node.name})")
    return len(later)


def _default_of_today(operator: str, attribute: str) -> Any:  # noqa: ANN401 - a protobuf message, untyped
    """The AttrValue, None when there is no default or no such attribute."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operator)
    found = (item for item in (definition.attr if definition else ()) if item.name == attribute)
    return next((item.default_value for item in found if item.HasField("default_value")), None)


def _incompatible(what: str) -> StageError:
    return StageError(
        Reason.GRAPH_INCOMPATIBLE,
        f"TensorFlow 1.15 cannot read this graph: {what}.",
        "Nothing was published. Leave spec.export.compatibility out, and serve with TensorFlow 2. If the operator "
        "reads files or examples (DecodeImage, ParseExampleV2), spec.export.inputType: image_tensor does without it.",
    )
