"""Objects at the extremes of what the CRD admits, generated from its schema. The API server is the judge.

Every field gets the nastiest text that its rules accept: the generator offers the texts of `TEXTS` one after the
other, and the API server's refusal names the fields that need the next one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
Refusals = Callable[[dict[str, Any]], list[tuple[str, str]]]
"""Sends a spec as a dry run; returns (field, message) of what is refused, nothing if it is accepted."""

LEFT_OUT = (
    {"ufile.endpoint", "model.checkpoint.step", "model.checkpoint.name", "export.frozenGraph"}
    | {"source.ufile.archive", "source.configMap", "source.git", "image.pin"}
    | {"rollout.configMap", "rollout.inferenceService"},
    {"ufile.region", "ufile.network", "model.checkpoint.policy", "model.checkpoint.poll", "model.checkpoint.waitFor"}
    | {"model.checkpoint.step", "export.frozenGraph", "source.ufile.prefix", "source.configMap", "source.git"}
    | {"image.pin", "rollout.configMap", "rollout.deployment"},
    {"ufile.endpoint", "model.checkpoint.policy", "model.checkpoint.poll", "model.checkpoint.waitFor"}
    | {"model.checkpoint.name", "export.frozenGraph", "source.ufile", "source.git", "image.pin"}
    | {"rollout.deployment", "rollout.inferenceService"},
    {"ufile.endpoint", "model.checkpoint", "source.ufile", "source.configMap"}
    | {"rollout.deployment", "rollout.inferenceService"},
)
"""Rules of the CRD allow one of several fields: each entry is one choice, and together they have every field."""

RULED = {"export.inputType": "image_tensor", "ufile.endpoint.scheme": "http", "build.builder": "Kaniko"}
"""Values of enums that other fields at their extremes need."""

UNBOUNDED_TEXT, UNBOUNDED_LIST = 1000, 50
"""Sizes of what the schema does not bound: the status, which only the operator has the right to write."""


TEXTS: tuple[Callable[[int, str], str], ...] = (
    lambda n, end: "\u0394" * (n - len(end)) + end,
    lambda n, end: _fill("a/", n, end),
    lambda n, end: _fill("a/", n, f"{end}/"),
    lambda n, end: _fill("a/", n, f"{end}.tar.gz"),
    lambda n, end: "/" + _fill("a/", n - 1, end),
    lambda n, end: "https://a/" + _fill("a/", n - 10, end),
    lambda n, end: "a.a/" + _fill("a/", n - 4, end),
    lambda n, end: _fill("a", n, end),
    lambda n, _: (".a" * n)[: n - n % 2],
    lambda n, _: "24h".rjust(n, "0"),
    lambda n, _: "9" * n,
    lambda *_: "1.15",
    lambda _, end: f"main{end}",
    lambda *_: "sha256:" + "0" * 64,
)
"""Texts of a length, from the nastiest on; `end` makes the entries of a list differ."""

TIMES = ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")

NAMES: tuple[Callable[[str], str], ...] = (
    lambda end: _fill("a.", 253, "a") + "/" + "a" * (63 - len(end)) + end,
    lambda end: "A" * (128 - len(end)) + end,
    lambda end: "a" * (63 - len(end)) + end,
    lambda end: ("cpu", "memory", "ephemeral-storage")[int(end)],
)
"""Names of entries of maps."""


def _fill(unit: str, length: int, end: str) -> str:
    """`unit` over and over, then `end`, of this length. Before `end` stands a whole unit or its first character."""
    room = max(length - len(end), 0)
    text = (unit * room)[:room]
    return (text[:-1] + unit[0] if text and text[-1] != unit[0] else text) + end


class Extremes:
    """Builds values from a schema. `turn` picks among the values of enums, and the ends of ranges."""

    def __init__(
        self, schema: Schema, left_out: set[str], fixed: dict[str, Any], turn: int, choice: Counter[str] | None = None
    ) -> None:
        self._schema = schema
        self._left_out = left_out
        self._fixed = fixed
        self._turn = turn
        self._choice = Counter() if choice is None else choice
        """The text of each field. One that was refused once is offered to no other object."""

    def accepted(self, refusals: Refusals) -> dict[str, Any]:
        """The extreme value that the API server accepts. Fails if a field has no text left to offer."""
        while True:
            found = self.value(self._schema)
            refused = refusals(found)
            if not refused:
                return found
            known = {found for field, _ in refused if (found := self._known(_pattern(field)))}
            assert known, f"a rule over several fields needs a line in LEFT_OUT or RULED: {refused}"
            self._choice.update(known)

    def _known(self, path: str) -> str | None:
        """The field or map whose next text is due; None for a rule over several fields."""
        maps = self._maps()
        entry = next((f"{one}{{}}" for one in maps if path.startswith(f"{one}.")), path)
        found = next((one for one in (entry, f"{path}{{}}") if one in maps or one in self._leaves()), None)
        left = self._choice[found] + 1 < len(NAMES if found in maps else TEXTS)
        assert left or found is None, f"no text for {path}"
        return found

    def _leaves(self) -> set[str]:
        return {path for path, _ in leaves(self._schema)}

    def _maps(self) -> list[str]:
        return [path for path, node in nodes(self._schema) if "additionalProperties" in node]

    def value(self, node: Schema, path: str = "", number: int = 0) -> Any:
        """The extreme value of one schema; `number` is the place in a list or map."""
        if path in self._fixed:
            return self._fixed[path]
        if "enum" in node:
            return node["enum"][(self._turn + number) % len(node["enum"])]
        match node.get("type", "string"):
            case "boolean" | "integer":
                return self._number(node)
            case "string":
                return self._text(node, path, number)
            case "array":
                size = node.get("maxItems", UNBOUNDED_LIST)
                return [self.value(node["items"], f"{path}[]", place) for place in range(size)]
        return self._object(node, path, number)

    def _object(self, node: Schema, path: str, number: int) -> dict[str, Any]:
        if "additionalProperties" in node:
            name = NAMES[self._choice[path]]
            inner, size = node["additionalProperties"], node.get("maxProperties", UNBOUNDED_LIST)
            return {name(f"{place:03}"): self.value(inner, f"{path}{{}}", place) for place in range(size)}
        return {
            name: self.value(inner, where, number)
            for name, inner in node.get("properties", {}).items()
            if (where := f"{path}.{name}".lstrip(".")) not in self._left_out
        }

    def _text(self, node: Schema, path: str, number: int) -> str:
        if node.get("format") == "date-time":
            return TIMES[self._turn % len(TIMES)]
        return TEXTS[self._choice[path]](node.get("maxLength", UNBOUNDED_TEXT), f"{number:03}")

    def _number(self, node: Schema) -> int:
        if node["type"] == "boolean":
            return self._turn % 2 == 0
        bits = 31 if node.get("format") == "int32" else 63
        least, most = node.get("minimum", -(2**bits)), node.get("maximum", 2**bits - 1)
        return (most, least)[self._turn % 2]


def _pattern(field: str) -> str:
    """The path of a field in a refusal (`spec.image.tags[3]`, `spec.build.args[A]`) as in `nodes` (`image.tags[]`)."""
    return re.sub(r"\[[^]]+\]", "{}", re.sub(r"\[\d+\]", "[]", field)).removeprefix("spec").lstrip(".")


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema below this one, with its path."""
    for name, inner in schema.get("properties", {}).items():
        where = f"{path}.{name}".lstrip(".")
        yield where, inner
        yield from nodes(inner, where)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield path + mark, schema[key]
            yield from nodes(schema[key], path + mark)


def leaves(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The fields that hold a value."""
    return ((path, node) for path, node in nodes(schema) if node.get("type") not in {"object", "array"})


def reached(schema: Schema, value: Any, path: str = "") -> set[str]:
    """The fields that a value has."""
    if isinstance(value, list):
        return {found for item in value for found in reached(schema["items"], item, f"{path}[]")}
    if not isinstance(value, dict):
        return {path}
    if "additionalProperties" in schema:
        inner = schema["additionalProperties"]
        return {found for item in value.values() for found in reached(inner, item, f"{path}{{}}")}
    return {
        found
        for name, item in value.items()
        if name in schema.get("properties", {})
        for found in reached(schema["properties"][name], item, f"{path}.{name}".lstrip("."))
    }
