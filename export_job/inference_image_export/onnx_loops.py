"""Puts the variables of ONNX loops in an order that depends on what they compute alone.

tf2onnx finds a loop's variables in the order of sets of objects, which is that of their addresses in memory. Any order
is a valid model, so this module sorts by hashes of what the values compute. Two variables that always have equal
values, such as two counters, have no order: only one of them is read.

The parts of a Loop (https://onnx.ai/onnx/operators/onnx__Loop.html): its inputs are the trip count, the condition and
the variables' first values; its outputs the variables' last values and the collected ones. Its body has the same order:
inputs are the iteration, the condition and the variables; outputs the condition, the variables and the collected ones.
"""

import copy
import hashlib
from collections.abc import Mapping
from typing import Any

Message = Any
"""A protobuf message of onnx, untyped."""

Hashes = Mapping[str, bytes]
"""A hash of what each value computes, by the value's name. Other names for the same computation give the same hash."""

_BEFORE_VARIABLES = 2
"""Inputs of a Loop, and of its body, that are not variables."""


def sort_variables(model: Message) -> None:
    """Sorts the variables of every loop of a ModelProto in place; of values that are always equal, one is read."""
    known = {value.name: _hash("input", value.name) for value in model.graph.input}
    _sort_loops(model.graph, known)
    _read_one_of_equal(model.graph, known)


def read_instead(graph: Message, same: Mapping[str, str]) -> None:
    """Connects the readers of each key of `same` to its value, in the bodies too."""
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        for body in _bodies(node):
            read_instead(body, same)


def bodies(graph: Message) -> list[Message]:
    """The graphs of loops and branches that stand directly in a graph."""
    return [body for node in graph.node for body in _bodies(node)]


def _sort_loops(graph: Message, known: Hashes) -> None:
    """Sorts the loops of a graph and of its bodies; `known` is of its inputs and of the enclosing graphs."""
    hashes = _hashes(graph, known)
    for node in graph.node:
        if node.op_type == "Loop":
            _sort(node, hashes, [value.name for value in graph.output])
        for body in _bodies(node):
            _sort_loops(body, hashes | _hashes_of_inputs(node, body, hashes))


def _sort(loop: Message, hashes: Hashes, outputs: list[str]) -> None:
    """Sorts the variables of one loop, then the values that it collects; of equal ones `outputs` stand first."""
    (body,) = _bodies(loop)
    variables, collected = _computed(loop, hashes)
    values = [*variables, *collected]

    def key(at: int) -> tuple[bytes, int]:
        name = loop.output[at]
        return values[at], outputs.index(name) if name in outputs else len(outputs)

    carried = sorted(range(len(variables)), key=key)
    order = [*carried, *sorted(range(len(variables), len(values)), key=key)]
    inputs = [0, 1, *(_BEFORE_VARIABLES + at for at in carried)]
    _reorder(loop.input, inputs)
    _reorder(body.input, inputs)
    _reorder(loop.output, order)
    _reorder(body.output, [0, *(1 + at for at in order)])


def _read_one_of_equal(graph: Message, known: Hashes) -> None:
    """Connects the readers of equal values of one graph to the same one: to the first output, if there is one."""
    hashes = _hashes(graph, known)
    made = [name for node in graph.node if node.op_type != "Identity" for name in node.output if name]
    outputs = [value.name for value in graph.output if value.name in made]
    given = [value.name for value in (*graph.input, *graph.initializer)]
    first: dict[bytes, str] = {}
    for name in (*given, *outputs, *made):
        first.setdefault(hashes[name], name)
    read_instead(graph, {name: first[hashes[name]] for name in (*given, *made)})
    for node in graph.node:
        for body in _bodies(node):
            _read_one_of_equal(body, hashes | _hashes_of_inputs(node, body, hashes))


def _hashes(graph: Message, known: Hashes) -> dict[str, bytes]:
    """The hashes of a graph's values, and `known`.

    ONNX demands that a graph's nodes stand after the nodes that they read, so one pass is enough.
    """
    hashes = {**known, **{constant.name: _hash_of_message(constant) for constant in graph.initializer}}
    for node in graph.node:
        if node.op_type == "Identity":
            found = [hashes[node.input[0]]]
        elif node.op_type == "Loop":
            found = _hashes_of_loop(node, hashes)
        else:
            whole = _hash_of_node(node, hashes)
            found = [_hash(whole, at) for at in range(len(node.output))]
        hashes |= zip(node.output, found, strict=True)
    return hashes


def _hash_of_node(node: Message, hashes: Hashes) -> bytes:
    """The hash of what a node that is no loop computes."""
    attributes: list[str | bytes] = []
    for attribute in sorted(node.attribute, key=lambda attribute: attribute.name):
        if attribute.HasField("g"):
            outputs = _hashes_of_outputs(attribute.g, {**hashes, **_hashes_of_inputs(node, attribute.g, hashes)})
            attributes += [attribute.name, *outputs]
        else:
            attributes += [attribute.name, _hash_of_message(attribute)]
    return _hash(node.domain, node.op_type, *_of_inputs(node, hashes), *attributes)


def _hashes_of_loop(loop: Message, hashes: Hashes) -> list[bytes]:
    """The hashes of a loop's outputs: they do not depend on the order of its variables."""
    variables, collected = _computed(loop, hashes)
    whole = _hash("Loop", *_of_inputs(loop, hashes)[:_BEFORE_VARIABLES], *sorted(variables))
    return [_hash(whole, value) for value in (*variables, *collected)]


def _computed(loop: Message, hashes: Hashes) -> tuple[list[bytes], list[bytes]]:
    """Hashes of a loop's variables and of the values that it collects.

    Variables are told apart by their first values, then by what the body makes of them, until that tells no more apart:
    those with equal hashes then have equal values in every iteration.
    """
    (body,) = _bodies(loop)
    variables = _of_inputs(loop, hashes)[_BEFORE_VARIABLES:]
    while True:
        given = {**hashes, **_hashes_of_inputs(loop, body, hashes, variables)}
        condition, *made = _hashes_of_outputs(body, given)
        told = [_hash(condition, *pair) for pair in zip(variables, made, strict=False)]
        if len(set(told)) == len(set(variables)):
            return told, made[len(variables) :]
        variables = told


def _hashes_of_inputs(
    node: Message, body: Message, hashes: Hashes, variables: list[bytes] | None = None
) -> dict[str, bytes]:
    """The hashes of the inputs of a node's body: of its variables, if it is a loop, else by their places."""
    if node.op_type != "Loop":
        return {value.name: _hash("body", at) for at, value in enumerate(body.input)}
    variables = _computed(node, hashes)[0] if variables is None else variables
    parts = [_hash("iteration"), _hash("condition"), *(_hash("variable", variable) for variable in variables)]
    return dict(zip((value.name for value in body.input), parts, strict=True))


def _hashes_of_outputs(body: Message, given: Hashes) -> list[bytes]:
    hashes = _hashes(body, given)
    return [hashes[value.name] for value in body.output]


def _of_inputs(node: Message, hashes: Hashes) -> list[bytes]:
    """The hashes of a node's inputs; the name of one that is left out is empty."""
    return [hashes[name] if name else b"" for name in node.input]


def _bodies(node: Message) -> list[Message]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _reorder(values: Any, order: list[int]) -> None:  # noqa: ANN401 - a repeated protobuf field
    """Puts the elements, texts or messages, into this order."""
    copies = [copy.deepcopy(values[at]) for at in order]
    del values[:]
    values.extend(copies)


def _hash_of_message(message: Message) -> bytes:
    """The hash of a constant or an attribute without its name."""
    nameless = copy.deepcopy(message)
    nameless.name = ""
    return _hash(nameless.SerializeToString(deterministic=True))


def _hash(*parts: str | bytes | int) -> bytes:
    """A hash of the parts, each with its length in front: other parts never give the same text."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
