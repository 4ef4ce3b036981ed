"""docs/reference/chart.md: every value of the chart, from its schema and the comments of values.yaml."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from docs_tools import ROOT
from docs_tools.comments import Path, comments
from docs_tools.markdown import BREAK, anchor, code, flow, link, page, table, text
from docs_tools.schema import Schema, bounds

CHART = "deploy/helm"

LONGEST_DEFAULT = 100
"""Maximum length of a default on the page, in characters. Longer ones are linked to values.yaml."""

_MISSING = object()


class Value(NamedTuple):
    """A value of the chart: a row of a table."""

    path: Path
    schema: Schema
    default: object


class Chart:
    """The chart's schema with its definitions, and the comments of values.yaml."""

    def __init__(self, schema: Schema, values: str) -> None:
        self._schema = schema
        self._comments = comments(values)
        self._values: dict[str, Any] = yaml.safe_load(values)

    def sections(self) -> Iterator[tuple[str, str, list[Value]]]:
        """Heading, comment and values, in the order of values.yaml: groups of values, then those without a group."""
        single: list[Value] = []
        for name, schema in self._properties(self._schema):
            inner = self._resolved(schema)
            if name == "config":
                for part, below in self._properties(inner, self._default((name,))):
                    yield from self._section(("config", part), below, single)
            else:
                yield from self._section((name,), schema, single)
        yield "Other values", "", single

    def kinds(self) -> Iterator[tuple[str, Schema]]:
        """The definitions that are strings with a pattern."""
        for name, schema in self._schema["definitions"].items():
            if _is_kind(schema):
                yield name, schema

    def description(self, path: Path, schema: Schema) -> str:
        """The comment on the value, or else the schema's description."""
        found: str = self._comments.get(path) or schema.get("description", "")
        return found

    def type(self, schema: Schema) -> str:
        """The type of a value in words; kinds of strings are links to their section."""
        if name := _reference(schema):
            found = self._schema["definitions"][name]
            return link(name, f"#{anchor(name)}") if _is_kind(found) else self.type(found)
        if choices := schema.get("anyOf"):
            return " or ".join(self.type(choice) for choice in choices)
        if "const" in schema:
            return code(flow(schema["const"]))
        if schema.get("type") == "array":
            return f"list of {self._held(schema['items'])}"
        if isinstance(held := schema.get("additionalProperties"), dict):
            return f"map of {self._held(held)}"
        declared = schema.get("type", "string")
        return declared if isinstance(declared, str) else " or ".join(declared)

    def _held(self, schema: Schema) -> str:
        """The type of the entries of a list or a map; for an object, its fields."""
        properties = self._resolved(schema).get("properties")
        return code(f"{{{', '.join(properties)}}}") if properties else self.type(schema)

    def limits(self, schema: Schema) -> list[str]:
        """The schema's limits of the value, unless its kind's section lists them."""
        if (name := _reference(schema)) and _is_kind(self._schema["definitions"][name]):
            return []
        return bounds({**self._resolved(schema), **schema})

    def _section(self, path: Path, schema: Schema, single: list[Value]) -> Iterator[tuple[str, str, list[Value]]]:
        default = self._default(path)
        if isinstance(default, dict) and default and "properties" in self._resolved(schema):
            yield ".".join(path), self.description(path, schema), list(self._below(path, schema))
        else:
            single += self._rows(path, schema)

    def _rows(self, path: Path, schema: Schema) -> Iterator[Value]:
        default = self._default(path)
        if isinstance(default, dict) and default and "properties" in self._resolved(schema):
            yield Value(path, schema, _MISSING)
            yield from self._below(path, schema)
        else:
            yield Value(path, schema, default)

    def _below(self, path: Path, schema: Schema) -> Iterator[Value]:
        for name, inner in self._properties(self._resolved(schema), self._default(path)):
            yield from self._rows((*path, name), inner)

    def _properties(self, schema: Schema, values: object = None) -> Iterator[tuple[str, Schema]]:
        """In the order of values.yaml, then values that only the schema has."""
        properties: dict[str, Schema] = schema["properties"]
        written = values if isinstance(values, dict) else self._values if schema is self._schema else {}
        for name in [*(name for name in written if name in properties), *(n for n in properties if n not in written)]:
            yield name, properties[name]

    def _default(self, path: Path) -> object:
        found: object = self._values
        for name in path:
            if not isinstance(found, dict) or name not in found:
                return _MISSING
            found = found[name]
        return found

    def _resolved(self, schema: Schema) -> Schema:
        name = _reference(schema)
        found: Schema = self._schema["definitions"][name] if name else schema
        return found


def write() -> str:
    """The page."""
    folder = ROOT / CHART
    chart = Chart(
        json.loads((folder / "values.schema.json").read_text("utf-8")), (folder / "values.yaml").read_text("utf-8")
    )
    return page(
        "# Values of the chart",
        "*Written by `make reference`; edit "
        f"{link('values.yaml', f'../../{CHART}/values.yaml')} and "
        f"{link('values.schema.json', f'../../{CHART}/values.schema.json')} instead.*",
        "The schema rejects every value that is not on this page. "
        f"{link('install.md', '../operations/install.md')} explains which values an installation sets.",
        *(part for section in chart.sections() for part in _section(chart, *section)),
        "## Kinds of strings",
        *(
            part
            for name, schema in chart.kinds()
            for part in (f"### {name}", text(schema.get("description", "")), " ".join(bounds(schema)))
        ),
    )


def _section(chart: Chart, heading: str, comment: str, values: list[Value]) -> Iterator[str]:
    yield f"## {heading}"
    yield text(comment)
    prefix = f"{heading}."
    rows = [
        (
            code(".".join(value.path).removeprefix(prefix)),
            chart.type(value.schema),
            _default(value),
            BREAK.join(
                part
                for part in (text(chart.description(value.path, value.schema)), " ".join(chart.limits(value.schema)))
                if part
            ),
        )
        for value in values
    ]
    yield table(("value", "type", "default", "meaning"), rows)


def _default(value: Value) -> str:
    if value.default is _MISSING:
        return ""
    default = flow(value.default)
    return (
        code(default) if len(default) <= LONGEST_DEFAULT else f"in {link('values.yaml', f'../../{CHART}/values.yaml')}"
    )


def _reference(schema: Schema) -> str | None:
    """The name of the definition that a schema refers to or extends."""
    schema = schema["allOf"][0] if "allOf" in schema else schema
    return schema["$ref"].removeprefix("#/definitions/") if "$ref" in schema else None


def _is_kind(schema: Schema) -> bool:
    return "pattern" in schema
