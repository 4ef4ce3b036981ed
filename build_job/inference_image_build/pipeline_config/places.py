"""Maps fields to places in the text, and places to fields."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from inference_image_build.pipeline_config.names import joined
from inference_image_build.pipeline_config.textproto import Field, Message


class Place(NamedTuple):
    """A place in the text; lines and columns count from 1."""

    line: int
    column: int


class Known(NamedTuple):
    """A field that the schema knows: its path and its descriptor."""

    path: str
    descriptor: Any


def find(message: Message, *path: str) -> Field | None:
    """The field at a path of names; the first if several are set."""
    name, *below = path
    field = next((field for field in message if field.name == name), None)
    if not below or field is None:
        return field
    return find(field.value, *below) if isinstance(field.value, Message) else None


def place(message: Message, path: Sequence[str]) -> Place:
    """The place of the field, or of its nearest existing parent, or the start of the text."""
    for length in range(len(path), 0, -1):
        field = find(message, *path[:length])
        if field is not None:
            return Place(field.line, field.column)
    return Place(1, 1)


def field_at(message: Message, descriptor: Any, at: Place, path: str = "") -> Known | None:  # noqa: ANN401 - protobuf is untyped
    """The last field that begins at or before a place: the innermost one that the schema knows."""
    before = [field for field in message if (field.line, field.column) <= at]
    if not before:
        return None
    field = before[-1]
    known = descriptor.fields_by_name.get(field.name)
    if known is None:
        return None
    here = Known(joined(path, field.name), known)
    if known.message_type is None or not isinstance(field.value, Message):
        return here
    return field_at(field.value, known.message_type, at, here.path) or here
