"""The generated pages of docs/reference are what `make reference` writes, and leave nothing out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from docs_tools import ROOT, blocks, chart, comments, inferenceimage, markdown, schema
from docs_tools.pages import PAGES
from kubectl_inferenceimage.__main__ import main

CHART = ROOT / chart.CHART


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_its_source_says(name: str) -> None:
    is_current = (ROOT / name).read_text("utf-8") == PAGES[name]()
    assert is_current, f"{name} is behind its source: run `make reference`"


def leaves(path: str, found: dict[str, Any]) -> Iterator[str]:
    for name, inner in found.get("properties", {}).items():
        yield f"{path}.{name}"
        listed = inner.get("type") == "array"
        yield from leaves(f"{path}.{name}{'[]' if listed else ''}", inner["items"] if listed else inner)


def test_every_field_of_the_api_is_told() -> None:
    crd = yaml.safe_load((ROOT / inferenceimage.CRD).read_text("utf-8"))
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    sections = blocks.Blocks(root)
    told = {field.path for block in sections.all for field in block.fields}
    shared = {path for path in leaves("spec", root["properties"]["spec"]) if path not in told}
    shared |= {path for path in leaves("status", root["properties"]["status"]) if path not in told}
    parents = [field.path for block in sections.all for field in block.fields if sections.section(field.schema)]
    assert [path for path in shared if not any(path.startswith((f"{at}.", f"{at}[]")) for at in parents)] == []


def test_an_object_that_occurs_again_is_told_once() -> None:
    two = {"type": "object", "properties": {"cpu": {"type": "string"}, "memory": {"type": "string"}}}
    spec = {
        "properties": {"a": {"properties": {"r": two}}, "b": {"properties": {"r": two | {"description": "Other."}}}}
    }
    sections = blocks.Blocks({"properties": {"spec": spec, "status": {"properties": {}}}})
    assert [block.path for block in sections.all] == ["spec", "spec.a", "spec.a.r", "spec.b", "status"]
    assert sections.section(two | {"description": "Other."}) == "spec.a.r"


def test_a_small_object_is_told_in_the_table_of_its_parent() -> None:
    reference = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    sections = blocks.Blocks(
        {
            "properties": {
                "spec": {"properties": {"a": {"properties": {"ref": reference}}}},
                "status": {"properties": {}},
            }
        }
    )
    block = next(block for block in sections.all if block.path == "spec.a")
    assert [(field.name, field.required) for field in block.fields] == [("ref", False), ("ref.name", True)]


def test_every_value_of_the_chart_is_explained() -> None:
    told = chart.Chart(json.loads((CHART / "values.schema.json").read_text()), (CHART / "values.yaml").read_text())
    unexplained = [
        ".".join(value.path)
        for _, _, values in told.sections()
        for value in values
        if not any(told.description(value.path[:end], value.schema) for end in range(1, len(value.path) + 1))
    ]
    assert unexplained == []


def test_every_value_of_the_schema_is_told() -> None:
    text = (CHART / "values.schema.json").read_text()
    told = chart.Chart(json.loads(text), (CHART / "values.yaml").read_text())
    paths = {".".join(value.path) for _, _, values in told.sections() for value in values}
    written = {path.removeprefix("values.") for path in leaves("values", json.loads(text)) if "[]" not in path}
    untold = {path for path in written if not any(f"{one}.".startswith(f"{path}.") for one in paths)}
    assert {path for path in untold if not path.startswith("config.jobs.resources.")} == set()


def test_comments_are_those_above_and_behind_a_key() -> None:
    text = "# The file.\n\n# One,\n# two.\na:\n  # Of b.\n  b: 1  # behind\n  c: '#no'\nd: {e: 1}\n"
    assert comments.comments(text) == {
        ("a",): "One, two.",
        ("a", "b"): "Of b. behind",
        ("a", "c"): "",
        ("d",): "",
    }


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        ({}, []),
        ({"enum": ["A", "B"]}, ["One of `A`, `B`."]),
        ({"enum": ["A"]}, ["Only `A`."]),
        ({"minimum": 0}, ["At least 0."]),
        ({"minimum": 1, "maximum": 9}, ["1 to 9."]),
        ({"maxLength": 63}, ["At most 63 characters."]),
        ({"minItems": 1}, ["At least 1 entry."]),
        ({"uniqueItems": True}, ["Entries are unique."]),
        ({"x-kubernetes-list-map-keys": ["name"]}, ["Entries have unique values of `name`."]),
        ({"pattern": "^a|b$"}, [r"Matches `^a\|b$`."]),
    ],
)
def test_limits_in_words(found: dict[str, Any], sentences: list[str]) -> None:
    assert schema.bounds(found) == sentences


def test_a_table_has_no_empty_column() -> None:
    assert markdown.table(("a", "b", "c"), [("1", "", "x"), ("2", "", "")]) == (
        "| a | c |\n| --- | --- |\n| 1 | x |\n| 2 | |\n"
    )


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("model.ckpt-<step>.*", r"model.ckpt-&lt;step&gt;.\*"),
        ("letters, '_' or '-'", r"letters, '\_' or '-'"),
        ("image_tensor", "image_tensor"),
        ("a|b\n  c", r"a\|b c"),
    ],
)
def test_text_stays_what_it_is(plain: str, shown: str) -> None:
    assert markdown.text(plain) == shown


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("spec.history[]", "spechistory"), ("A `b` and [c](d.md)", "a-b-and-c"), ("Under_score", "under_score")],
)
def test_anchors_are_githubs(heading: str, anchor: str) -> None:
    assert markdown.anchor(heading) == anchor


@pytest.mark.parametrize("arguments", [["--help"], ["render", "--help"], ["build", "--help"]])
def test_the_page_of_the_command_line_does_not_follow_the_terminal(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGES["docs/reference/cli.md"]()
    monkeypatch.setenv("COLUMNS", "40")
    assert PAGES["docs/reference/cli.md"]() == page
    with pytest.raises(SystemExit):
        main(arguments)
    options = {word.strip(",[]") for word in capsys.readouterr().out.split() if word.strip(",[]").startswith("--")}
    assert [option for option in options - {"--help"} if option not in page] == []
