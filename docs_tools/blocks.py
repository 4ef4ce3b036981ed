"""Divides the API's schema into sections: one for each object that is too large for its parent's table."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from docs_tools.schema import Schema

INLINED = 4
"""Maximum number of fields, including nested ones, of an object that is described in its parent's table."""


class Field(NamedTuple):
    """A row of a table."""

    name: str
    """Path within its block, such as `endpoint.suffix`."""
    path: str
    """The whole path, such as `spec.ufile.endpoint.suffix`."""
    schema: Schema
    required: bool
    default: object


class Block(NamedTuple):
    """A section of the page: an object of the API and its fields."""

    path: str
    description: str
    schema: Schema
    fields: list[Field]


class Blocks:
    """The sections in the order of the page, and the section that describes each object of the schema."""

    def __init__(self, root: Schema) -> None:
        self._seen = Counter(_shape(inner) for inner in _objects(root))
        self._described: dict[str, str] = {}
        self.all: list[Block] = []
        for name in ("spec", "status"):
            self._describe(name, root["properties"][name].get("description", ""), root["properties"][name])

    def section(self, schema: Schema) -> str | None:
        """The path of the section that describes this object's fields; None if its parent's table describes them."""
        inner = object_of(schema)
        return self._described.get(_shape(inner)) if inner else None

    def _describe(self, path: str, description: str, schema: Schema) -> None:
        self._described[_shape(schema)] = path
        rows: list[Field] = []
        below: list[Field] = []
        self._collect(path, "", schema, rows, below)
        self.all.append(Block(path, description, schema, rows))
        for field in below:
            inner = object_of(field.schema)
            if inner and _shape(inner) not in self._described:
                listed = "[]" if inner is not field.schema else ""
                self._describe(field.path + listed, field.schema.get("description", ""), inner)

    def _collect(self, path: str, prefix: str, schema: Schema, rows: list[Field], below: list[Field]) -> None:
        defaults = schema.get("default", {})
        for name, inner in schema["properties"].items():
            at = f"{path}.{prefix}{name}"
            required = name in schema.get("required", [])
            rows.append(Field(f"{prefix}{name}", at, inner, required, inner.get("default", defaults.get(name))))
            found = object_of(inner)
            if found is None:
                continue
            if self._is_inlined(path, found):
                listed = "[]" if found is not inner else ""
                self._collect(path, f"{prefix}{name}{listed}.", found, rows, below)
            else:
                below.append(rows[-1])

    def _is_inlined(self, path: str, schema: Schema) -> bool:
        size = sum(1 for _ in _fields(schema))
        is_shared = size > 1 and self._seen[_shape(schema)] > 1
        return "." in path and size <= INLINED and not is_shared


def object_of(schema: Schema) -> Schema | None:
    """The object that a field holds, by itself or in a list."""
    inner: Schema = schema.get("items", {}) if schema.get("type") == "array" else schema
    return inner if "properties" in inner else None


def _fields(schema: Schema) -> Iterator[Schema]:
    for inner in schema["properties"].values():
        yield inner
        if found := object_of(inner):
            yield from _fields(found)


def _objects(schema: Schema) -> Iterator[Schema]:
    for inner in _fields(schema):
        if found := object_of(inner):
            yield found


def _shape(schema: Schema) -> str:
    """Equal for objects that differ only in their own description."""
    return json.dumps({key: value for key, value in schema.items() if key != "description"}, sort_keys=True)
