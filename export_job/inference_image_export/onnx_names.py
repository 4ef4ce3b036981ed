"""Canonical ONNX models: nodes and constants in the order of their use, and named by it.

tf2onnx iterates over sets, so processes differ in which of two equal constants survives and in the order of independent
nodes. The computed function is the same, so this module assigns new names and a new order, from the outputs back.
`onnx_loops` does it for a loop's variables.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inference_image_export import onnx_loops

Message = Any
"""A protobuf message of onnx, untyped."""


def canonicalise(model: Message) -> None:
    """Renames and reorders a ModelProto in place; the names of its inputs and outputs stay."""
    graph = model.graph
    _bypass_identities(graph)
    onnx_loops.sort_variables(model)
    _Scope(graph, {}, _Counter()).write({value.name: value.name for value in (*graph.input, *graph.output)})
    _name_sizes(_values(graph))
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)


def _bypass_identities(graph: Message) -> None:
    """Connects the readers of each Identity to its input: whether tf2onnx keeps an Identity is random as well."""
    source: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Identity":
            source[node.output[0]] = source.get(node.input[0], node.input[0])
    onnx_loops.read_instead(graph, source)
    for body in onnx_loops.bodies(graph):
        _bypass_identities(body)


class _Counter:
    def __init__(self) -> None:
        self._next = 0

    def name(self) -> str:
        self._next += 1
        return f"v{self._next}"


class _Scope:
    """One graph; the body of a loop or a branch sees the names of the enclosing graphs."""

    def __init__(self, graph: Message, outer: Mapping[str, str], counter: _Counter) -> None:
        self._graph = graph
        self._names = dict(outer)
        self._counter = counter
        self._producers = {name: node for node in graph.node for name in node.output if name}
        self._constants = {constant.name: constant for constant in graph.initializer}
        self._nodes: list[Message] = []
        self._used: list[Message] = []
        self._seen: set[int] = set()

    def write(self, names: Mapping[str, str]) -> None:
        """`names` are those of the inputs and outputs."""
        graph = self._graph
        own = {value.name for value in graph.input}
        self._names |= {name: new for name, new in names.items() if name in own}
        fixed = {name: new for name, new in names.items() if name not in own}
        for value in graph.output:
            self._visit(value.name, fixed)
        for value in (*graph.input, *graph.output):
            value.name = self._names[value.name]
        for kept, found in ((graph.node, self._nodes), (graph.initializer, self._used)):
            copies = [type(item).FromString(item.SerializeToString()) for item in found]
            del kept[:]
            kept.extend(copies)
        del graph.value_info[:]
        graph.name, graph.doc_string = "graph", ""  # a name is required

    def _visit(self, name: str, fixed: Mapping[str, str]) -> None:
        """Names the inputs of a value, then the value. Uses a stack: graphs exceed Python's recursion limit."""
        stack: list[tuple[str, bool]] = [(name, False)]
        while stack:
            current, ready = stack.pop()
            if not current or current in self._names:
                continue
            if current in self._constants:
                constant = self._constants[current]
                self._names[current] = constant.name = fixed.get(current) or self._counter.name()
                self._used.append(constant)
                continue
            node = self._producers[current]
            if ready:
                self._finish(node, fixed)
                continue
            stack.append((current, True))
            stack += [(needed, False) for needed in reversed([*node.input, *_captured(node)]) if self._is_own(needed)]

    def _is_own(self, name: str) -> bool:
        return name in self._producers or name in self._constants

    def _finish(self, node: Message, fixed: Mapping[str, str]) -> None:
        for name in node.output:
            if name:
                self._names[name] = fixed.get(name) or self._counter.name()
        attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
        for attribute in attributes:
            if attribute.HasField("g"):
                body = attribute.g
                values = (*body.input, *body.output)
                _Scope(body, self._names, self._counter).write({v.name: self._counter.name() for v in values})
        copies = [type(attribute).FromString(attribute.SerializeToString()) for attribute in attributes]
        del node.attribute[:]
        node.attribute.extend(copies)
        node.input[:] = [self._names.get(name, name) for name in node.input]
        node.output[:] = [self._names.get(name, name) for name in node.output]
        node.name, node.doc_string = f"n{self._counter.name()[1:]}", ""
        self._nodes.append(node)


def _captured(node: Message) -> list[str]:
    """The names that the bodies of a node read from enclosing graphs."""
    attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
    return [name for attribute in attributes if attribute.HasField("g") for name in _outside(attribute.g)]


def _outside(body: Message) -> list[str]:
    """The names that a body reads but does not define, in the order of their use from its outputs back."""
    producers = {name: node for node in body.node for name in node.output}
    seen = {value.name for value in body.input} | {constant.name for constant in body.initializer}
    found: list[str] = []
    stack = [value.name for value in reversed(body.output)]
    while stack:
        name = stack.pop()
        if not name or name in seen:
            continue
        seen.add(name)
        if name not in producers:
            found.append(name)
            continue
        node = producers[name]
        stack += reversed([*node.input, *_captured(node)])
    return found


def _values(graph: Message) -> Iterator[Message]:
    """The inputs and outputs of a graph, then those of its bodies."""
    yield from (*graph.input, *graph.output)
    for body in onnx_loops.bodies(graph):
        yield from _values(body)


def _name_sizes(values: Iterable[Message]) -> None:
    """Renames symbolic sizes too."""
    names: dict[str, str] = {}
    for value in values:
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = names.setdefault(size.dim_param, f"size{len(names) + 1}")
