"""The keys of a graph's other formats, which lie in its own folder: a result can leave the folder out. Pure."""

from typing import TypeVar

from msgspec.structs import replace

from inference_image_contract.inputs import Graph, StoredFile

_HERE = "./"
"""How a key begins that is relative to the graph's folder. No prefix begins like this."""
_Form = TypeVar("_Form", bound=StoredFile)


def relative(graph: Graph) -> Graph:
    """The graph with the other keys relative to its folder: three long keys do not fit into a termination message."""
    folder = _folder(graph)
    return replace(graph, saved_model=_within(folder, graph.saved_model), onnx=_within(folder, graph.onnx))


def whole(graph: Graph) -> Graph:
    """The graph with whole keys."""
    folder = _folder(graph)
    return replace(graph, saved_model=_below(folder, graph.saved_model), onnx=_below(folder, graph.onnx))


def _within(folder: str, form: _Form | None) -> _Form | None:
    inside = form and form.key.startswith(folder)
    return replace(form, key=_HERE + form.key.removeprefix(folder)) if form and inside else form


def _below(folder: str, form: _Form | None) -> _Form | None:
    inside = form and form.key.startswith(_HERE)
    return replace(form, key=folder + form.key.removeprefix(_HERE)) if form and inside else form


def _folder(graph: Graph) -> str:
    name = graph.key.rpartition("/")[2]
    return graph.key.removesuffix(name)
