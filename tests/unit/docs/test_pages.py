"""The pages match the repository: links and commands exist, and both READMEs show the same."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs_tools.markdown import anchor, blocks, commands
from kubectl_inferenceimage.__main__ import PROGRAM, parser

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm"
SOURCES = sorted(
    path
    for folder in [ROOT, *ROOT.iterdir()]
    if folder.is_dir() and not folder.name.startswith(".") and folder.name != "out"
    for path in (folder.glob("*") if folder == ROOT else folder.rglob("*"))
    if path.suffix in {".md", ".mk", ".py", ".toml", ".yaml"} or path.name == "Makefile"
)
PAGES = [path for path in SOURCES if path.suffix == ".md"]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?://)([^)#]*)(#[^)]*)?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NAMED_PAGE = re.compile(r"(?<![\w./-])docs/[\w./-]+\.md\b")
_TARGET = re.compile(r"^([a-z0-9-]+):", re.MULTILINE)


def targets() -> set[str]:
    fragments = [ROOT / "Makefile", *ROOT.glob("*/*.mk")]
    return {target for path in fragments for target in _TARGET.findall(path.read_text())}


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    return {f"#{anchor(heading)}" for heading in _HEADING.findall(prose(page))}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_exist(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "code", prose(page))
    links = [(page.parent / link if link else page, fragment) for link, fragment in _LINK.findall(text)]
    assert [str(to) for to, _ in links if not to.exists()] == []
    assert [f"{to}{at}" for to, at in links if at and to.suffix == ".md" and at not in anchors(to)] == []


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link).resolve() for link, _ in _LINK.findall(prose(index))}
    docs = {page.resolve() for page in PAGES if page.is_relative_to(ROOT / "docs") and page != index}
    assert {str(page.relative_to(ROOT)) for page in docs - listed} == set()


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda page: page.stem)
def test_a_decision_has_a_status_and_a_date(page: Path) -> None:
    title, _, status = page.read_text().split("\n")[:3]
    assert title.startswith(f"# {page.stem[:4]}: ")
    assert re.match(r"Status: (accepted|superseded by \d{4}), \d{4}-\d\d-\d\d\.", status)


def test_pages_that_the_sources_name_exist() -> None:
    named = {name: path for path in SOURCES for name in _NAMED_PAGE.findall(path.read_text("utf-8"))}
    named.pop("docs/README.md", None)  # a file of the sources that the tests of the build make up
    missing = {name: str(path.relative_to(ROOT)) for name, path in named.items() if not (ROOT / name).exists()}
    assert missing == {}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_make_commands_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", page.read_text(), re.MULTILINE))
    assert named - targets() == set()


def test_both_readmes_show_the_same_commands_and_manifest() -> None:
    def shown(name: str) -> list[object]:
        page = (ROOT / name).read_text()
        return [*commands(page), *map(yaml.safe_load, blocks(page, "yaml")), *blocks(page, "console")]

    assert shown("README.md") == shown("README.zh-CN.md")


def sections(page: Path) -> list[set[str]]:
    """The code and the fields that each section names."""
    return [set(re.findall(r"`([^`\n]+)`", text)) for text in page.read_text().split("\n## ")[1:]]


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.zh-CN.md")), ids=lambda page: page.stem)
def test_a_chinese_page_has_the_sections_of_the_english_one(page: Path) -> None:
    assert len(sections(page)) == len(sections(page.with_name(page.name.replace(".zh-CN", ""))))


def test_the_chinese_answers_name_what_the_english_ones_name() -> None:
    guides = ROOT / "docs" / "guides"
    assert sections(guides / "faq.zh-CN.md") == sections(guides / "faq.md")


DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
VALUES = [
    pytest.param(values, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page.read_text(), "yaml"))
    if isinstance(values := yaml.safe_load(text), dict) and values.keys() & DEFAULTS.keys()
]


@pytest.mark.parametrize("values", VALUES)
def test_values_of_the_chart_pass_its_schema(values: dict[str, Any]) -> None:
    assert values.keys() <= DEFAULTS.keys()
    assert values.get("config", {}).keys() <= DEFAULTS["config"].keys()
    images = yaml.safe_load((CHART / "ci" / "test-values.yaml").read_text())  # out/images/values.yaml names them
    jsonschema.validate(DEFAULTS | images | values, json.loads((CHART / "values.schema.json").read_text()))


def test_the_pages_show_values() -> None:
    assert len(VALUES) > 5


PLUGIN = {
    command.removeprefix(PROGRAM) for page in PAGES for command in commands(page.read_text()) if PROGRAM in command
}


@pytest.mark.parametrize("arguments", sorted(PLUGIN - {" --help"}))
def test_the_plugin_knows_its_command_lines(arguments: str) -> None:
    assert parser().parse_args(shlex.split(arguments)).command


def test_the_pages_show_most_subcommands() -> None:
    assert len({arguments.split()[0] for arguments in PLUGIN}) > 15
