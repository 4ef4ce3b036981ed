"""Removes newer attributes with default values: the op then behaves as before they existed."""

from typing import Any

from inference_image_export.readable.operators import Release, is_private, nodes


def leave_out(graph: Any, release: Release) -> int:  # noqa: ANN401 - a GraphDef, untyped
    """Removes, in place, attributes that the release neither knows nor needs; returns their number."""
    return sum(_of_node(node, release) for node in nodes(graph))


def _of_node(node: Any, release: Release) -> int:  # noqa: ANN401 - a NodeDef, untyped
    for field in ("experimental_type", "experimental_debug_info"):
        node.ClearField(field)
    known = release.operators.get(node.op)
    if known is None:
        return 0
    later = [name for name in node.attr if name not in known and not is_private(name)]
    unneeded = [name for name in later if node.attr[name] == _default_of_today(node.op, name)]
    for name in unneeded:
        del node.attr[name]
    return len(unneeded)


def _default_of_today(operator: str, attribute: str) -> Any:  # noqa: ANN401 - an AttrValue, untyped
    """The default in this TensorFlow; None without a default or without the attribute."""
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(operator)
    found = (item for item in (definition.attr if definition else ()) if item.name == attribute)
    return next((item.default_value for item in found if item.HasField("default_value")), None)
