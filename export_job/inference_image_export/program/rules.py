"""Refuses a graph with an op that is not allowed, anywhere in it, or one that is too large."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export.program.calls import Calls, callees, named
from inference_image_export.program.ops import allowed

MAX_BYTES = 1 << 30
"""Of a graph's file. A detector's is as large as its weights: 0.2 GiB for Faster R-CNN on ResNet-101."""
MAX_NODES = 100_000
"""With every call of a function counted as a copy of it. SSD and Faster R-CNN on ResNet-50 have about 3,200 nodes."""
MAX_DEPTH = 16
"""Of nested calls of functions. An exporter's graphs have none."""
_MAX_NAME = 120
_ODD = re.compile(r"[^\w./>:+-]", re.ASCII)
"""What no name of TensorFlow has. Names are untrusted text that ends up in the status."""
_OPAQUE = (20, 21)
"""DT_RESOURCE and DT_VARIANT (tensorflow/core/framework/types.proto): a constant of these is not a number."""


def check_size(size: int) -> None:
    """Raises StageError (`GraphUnsafe`) for a file of more than MAX_BYTES, before it is read."""
    if size > MAX_BYTES:
        raise _unsafe(f"It has {size} bytes, more than {MAX_BYTES}.")


def check(graph: Any) -> None:  # noqa: ANN401 - a GraphDef, untyped
    """Raises StageError (`GraphUnsafe`), which names the op and the node, unless every part of the graph is allowed.

    Functions count whether they are called or not, and under whatever name.
    """
    functions = list(graph.library.function)
    names = frozenset(function.signature.name for function in functions)
    if len(graph.node) + sum(1 + len(function.node_def) for function in functions) > MAX_NODES:
        raise _unsafe(f"It has more than {MAX_NODES} nodes.")
    _check_nodes(graph.node, "", names)
    for function in functions:
        _check_nodes(function.node_def, function.signature.name, names)
        _check_named(_of_function(function), f"function {_shown(function.signature.name)}", names)
    gradients = [*graph.library.gradient, *graph.library.registered_gradients]
    _check_named((gradient.gradient_func for gradient in gradients), "a gradient", names)
    _check_calls(graph, functions, names)


def _of_function(function: Any) -> Iterator[str]:  # noqa: ANN401 - a FunctionDef, untyped
    for value in function.attr.values():
        yield from named(value)
    for argument in function.arg_attr.values():
        for value in argument.attr.values():
            yield from named(value)


def _check_nodes(nodes: Iterable[Any], function: str, functions: frozenset[str]) -> None:
    for node in nodes:
        place = f"node {_shown(node.name)}" + (f" of function {_shown(function)}" if function else "")
        if node.op not in allowed() and node.op not in functions:
            raise _unsafe(f"It has the op {_shown(node.op)} ({place}), which is not allowed.")
        for value in node.attr.values():
            _check_named(named(value), f"{_shown(node.op)}, {place}", functions)
            tensors = [value.tensor] if value.WhichOneof("value") == "tensor" else value.list.tensor
            if any(tensor.dtype in _OPAQUE for tensor in tensors):
                raise _unsafe(f"{_shown(node.op)} ({place}) has a constant that is not a number, a truth or a text.")


def _check_named(called: Iterable[str], place: str, functions: frozenset[str]) -> None:
    """An attribute may name a function of the graph alone: TensorFlow also takes the name of any op there."""
    other = next((name for name in called if name not in functions), None)
    if other is not None:
        raise _unsafe(f"It calls {_shown(other)} ({place}), which is not a function of the graph.")


def _check_calls(graph: Any, functions: list[Any], names: frozenset[str]) -> None:  # noqa: ANN401 - a GraphDef
    sizes = {function.signature.name: len(function.node_def) for function in functions}
    called = {function.signature.name: callees(function.node_def, names) for function in functions}
    try:
        calls = Calls(sizes, called, MAX_NODES)
    except ValueError as error:
        raise _unsafe(f"Its functions call each other in a circle: {_shown(str(error))}.") from error
    first = callees(graph.node, names)
    deepest = max((1 + calls.depth(inner) for inner in called.values()), default=0)
    if max(deepest, calls.depth(first)) > MAX_DEPTH:
        raise _unsafe(f"Its functions are nested more than {MAX_DEPTH} deep.")
    if calls.nodes(len(graph.node), first) > MAX_NODES:
        raise _unsafe(f"With every call of its functions it has more than {MAX_NODES} nodes.")


def _shown(name: str) -> str:
    """A name that is safe in a status."""
    text = _ODD.sub("?", name)
    return f"{text[:_MAX_NAME]}…" if len(text) > _MAX_NAME else text or "?"


def _unsafe(what: str) -> StageError:
    return StageError(
        Reason.GRAPH_UNSAFE,
        f"The graph is not run. {what}",
        "Nothing was published. The export runs only graphs whose ops compute on the picture; "
        "docs/guides/export.md lists what that excludes. For spec.export.frozenGraph, export the detector with the "
        "Object Detection API's export_inference_graph, without ops of your own.",
    )
