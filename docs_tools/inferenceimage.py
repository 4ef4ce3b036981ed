"""docs/reference/inferenceimage.md: every field of the API, generated from the CRD."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from docs_tools import ROOT
from docs_tools.blocks import Block, Blocks, Field, object_of
from docs_tools.examples import examples
from docs_tools.markdown import BREAK, anchor, code, flow, link, page, table, text
from docs_tools.schema import Schema, bounds

CRD = "crds/inferenceimages.uai.ucloud.cn.yaml"

KINDS = {
    "object name": "spec.ufile.secretRef.name",
    "prefix": "spec.model.prefix",
    "key": "spec.model.labelMap",
    "path": "spec.source.dockerfile",
    "repository": "spec.image.repository",
}
"""Kind of strings that several fields share -> a field with its rules."""

GUIDES = {
    "spec": "../guides/usage.md",
    "spec.ufile": "../guides/us3.md",
    "spec.model": "../guides/usage.md#following-the-training",
    "spec.export": "../guides/export.md",
    "spec.source": "../guides/build.md",
    "spec.build": "../guides/builders.md",
    "spec.image": "../guides/registries.md",
    "spec.test": "../guides/usage.md#what-the-image-must-answer",
    "spec.scheduling": "../guides/usage.md#waiting-its-turn",
    "status.conditions[]": "reasons.md",
    "status.lastFailure": "reasons.md",
}
"""Block -> the page that explains how to use it."""


def write() -> str:
    """The page."""
    crd = yaml.safe_load((ROOT / CRD).read_text("utf-8"))
    (version,) = crd["spec"]["versions"]
    root = version["schema"]["openAPIV3Schema"]
    blocks = Blocks(root)
    kinds = {_rules_key(_at(root, path)): name for name, path in KINDS.items()}
    values = examples(set(root["properties"]["spec"]["properties"]))
    names = crd["spec"]["names"]
    return page(
        f"# {names['kind']}",
        "*Written by `make reference` from the CRD; edit " + link(CRD, f"../../{CRD}") + " instead.*",
        text(root["description"]),
        f"`apiVersion: {crd['spec']['group']}/{version['name']}`, `kind: {names['kind']}`; kubectl accepts "
        f"`{names['singular']}` and `{names['shortNames'][0]}`. `kubectl explain {names['shortNames'][0]}.spec` "
        "shows the same in a terminal. The API server rejects a manifest that breaks a rule, with the rule's message.",
        _columns(version),
        *(part for block in blocks.all for part in _section(block, blocks, kinds, values)),
        "## Kinds of strings",
        *(part for name, path in KINDS.items() for part in (f"### {name}", _list(_messages(_at(root, path))))),
    )


def _columns(version: dict[str, Any]) -> str:
    rows = [
        (
            code(column["name"].upper()) + (" with `-o wide`" if column.get("priority") else ""),
            code(column["jsonPath"]),
            text(column.get("description", "")),
        )
        for column in version["additionalPrinterColumns"]
    ]
    return "Columns of `kubectl get`:\n\n" + table(("column", "field", "meaning"), rows)


def _section(block: Block, blocks: Blocks, kinds: dict[str, str], values: dict[str, list[Any]]) -> Iterator[str]:
    yield f"{'###' if '.' in block.path else '##'} {block.path}"
    yield text(block.description)
    if block.path in GUIDES:
        name, _, _ = GUIDES[block.path].removeprefix("../guides/").partition("#")
        yield f"Guide: {link(name, GUIDES[block.path])}."
    if rules := _messages(block.schema):
        yield "Rules:\n\n" + _list(rules)
    rows = [
        (
            code(field.name),
            _type(field, blocks, kinds),
            _default(field),
            _what(field, blocks, kinds),
            _example(field, values),
        )
        for field in block.fields
    ]
    yield table(("field", "type", "default", "meaning and rules", "example"), rows)


def _type(field: Field, blocks: Blocks, kinds: dict[str, str]) -> str:
    return _type_name(field.schema, blocks, kinds) + (", required" if field.required else "")


def _type_name(schema: Schema, blocks: Blocks, kinds: dict[str, str]) -> str:
    if schema.get("type") == "array":
        return f"list of {_type_name(schema['items'], blocks, kinds)}"
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return f"map of {_type_name(schema['additionalProperties'], blocks, kinds)}"
    if path := blocks.section(schema):
        return link("object", f"#{anchor(path)}")
    if kind := kinds.get(_rules_key(schema)):
        return link(kind, f"#{anchor(kind)}")
    return _scalar(schema)


def _scalar(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if schema.get("format") == "date-time":
        return "time"
    found: str = schema.get("type", "any JSON")
    return found


def _default(field: Field) -> str:
    return "" if field.default in (None, {}) else code(flow(field.default))


def _what(field: Field, blocks: Blocks, kinds: dict[str, str]) -> str:
    schema = field.schema
    lines = [text(schema.get("description", "")), " ".join(bounds(schema))]
    if blocks.section(schema) is None or schema.get("type") == "array":
        lines += _rules(schema, kinds)
    inner = schema.get("items") or schema.get("additionalProperties")
    if inner and "properties" not in inner:
        each = " ".join([text(inner.get("description", "")), *bounds(inner)]).strip()
        lines += [f"Each: {each}" if each else "", *_rules(inner, kinds)]
    return BREAK.join(line for line in lines if line)


def _rules(schema: Schema, kinds: dict[str, str]) -> list[str]:
    if _rules_key(schema) in kinds:
        return []  # the section of the kind lists them
    return [f"Rule: {text(message)}." for message in _messages(schema)]


def _example(field: Field, values: dict[str, list[Any]]) -> str:
    """An example value, preferably other than the default."""
    found = [] if object_of(field.schema) else values.get(field.path, [])
    return next((code(flow(value)) for value in sorted(found, key=lambda value: bool(value == field.default))), "")


def _messages(schema: Schema) -> list[str]:
    """The messages with which the API server rejects a manifest."""
    return [rule["message"].strip() for rule in schema.get("x-kubernetes-validations", [])]


def _list(messages: list[str]) -> str:
    return "\n".join(f"- {text(message)}" for message in messages)


def _rules_key(schema: Schema) -> str:
    """Equal for strings of the same kind; empty for a value without rules, which has no kind."""
    rules = schema.get("x-kubernetes-validations", [])
    return json.dumps(rules) if rules and schema.get("type") == "string" else ""


def _at(root: Schema, path: str) -> Schema:
    for name in path.split("."):
        root = root["properties"][name]
    return root
