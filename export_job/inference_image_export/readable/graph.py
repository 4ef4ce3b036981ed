"""A graph that is being rewritten: nodes by name, which of their outputs are used, new nodes, redirected outputs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

FLOAT, INT32, INT64, BOOL = "DT_FLOAT", "DT_INT32", "DT_INT64", "DT_BOOL"


class Graph:
    """A GraphDef (`definition`), changed in place. Nodes of functions stay unchanged."""

    def __init__(self, definition: Any) -> None:  # noqa: ANN401 - a GraphDef, untyped
        self.definition = definition
        self.nodes: dict[str, Any] = {node.name: node for node in definition.node}
        self._used: defaultdict[str, set[int]] = defaultdict(set)
        for node in definition.node:
            for name in node.input:
                if not name.startswith("^"):
                    source, _, output = name.partition(":")
                    self._used[source].add(int(output or 0))
        self._moved: dict[str, str] = {}

    def used_outputs(self, node: Any) -> set[int]:  # noqa: ANN401 - a NodeDef, untyped
        """The indices of the outputs that other nodes read."""
        return self._used[node.name]

    def constant(self, name: str) -> Any:  # noqa: ANN401 - numpy.ndarray
        """The value of the input `name` when it is a constant, else None."""
        import tensorflow as tf

        node = self.nodes.get(name.partition(":")[0])
        while node is not None and node.op == "Identity":
            node = self.nodes.get(node.input[0].partition(":")[0])
        return tf.make_ndarray(node.attr["value"].tensor) if node is not None and node.op == "Const" else None

    def type_of(self, node: Any, attribute: str, default: str = FLOAT) -> str:  # noqa: ANN401 - a NodeDef, untyped
        """The data type that an attribute names, such as `DT_FLOAT`; `default` when it is absent."""
        from tensorflow.core.framework import types_pb2

        return str(types_pb2.DataType.Name(node.attr[attribute].type)) if attribute in node.attr else default

    def add(self, beside: Any, name: str, operator: str, inputs: Sequence[str], **types: str) -> str:  # noqa: ANN401
        """A new node whose name begins with that of `beside`; `types` are its attributes. Returns its name."""
        node = self.definition.node.add(name=self._free(f"{beside.name}/{name}"), op=operator, device=beside.device)
        node.input.extend(inputs)
        set_types(node, **types)
        self.nodes[node.name] = node
        return str(node.name)

    def add_constant(self, beside: Any, name: str, value: int | list[int]) -> str:  # noqa: ANN401 - a NodeDef
        """A new int32 constant.

        A control dependency on the first input of `beside` puts it in the same frame, such as the body of a loop.
        """
        import tensorflow as tf

        after = "^" + beside.input[0].partition(":")[0]
        found = self.add(beside, name, "Const", [after], dtype=INT32)
        self.nodes[found].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, tf.int32))
        return found

    def move_output(self, old: str, new: str) -> None:
        """Redirects readers of the output `old` (`node:1`) to `new`; takes effect with `finish`."""
        self._moved[old] = new

    def finish(self) -> None:
        """Redirects the outputs that were moved."""
        if self._moved:
            for node in self.definition.node:
                for number, name in enumerate(node.input):
                    if name in self._moved:
                        node.input[number] = self._moved[name]

    def _free(self, name: str) -> str:
        number = 0
        found = name
        while found in self.nodes:
            number += 1
            found = f"{name}_{number}"
        return found


def replace(node: Any, operator: str, inputs: Sequence[str], **types: str) -> None:  # noqa: ANN401 - a NodeDef
    """Changes the op of a node; keeps its name, device and control inputs."""
    control = [name for name in node.input if name.startswith("^")]
    node.op = operator
    del node.input[:]
    node.input.extend([*inputs, *control])
    node.attr.clear()
    set_types(node, **types)


def set_types(node: Any, **types: str) -> None:  # noqa: ANN401 - a NodeDef, untyped
    """Sets attributes that name data types."""
    from tensorflow.core.framework import types_pb2

    for name, kind in types.items():
        node.attr[name].type = types_pb2.DataType.Value(kind)
