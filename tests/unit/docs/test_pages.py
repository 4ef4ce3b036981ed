"""The pages agree with the repository: links lead somewhere, commands exist, both READMEs say the same."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?://|#)([^)#]+)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def blocks(page: Path, kind: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(page.read_text()) if found == kind]


def targets() -> set[str]:
    fragments = [ROOT / "Makefile", *ROOT.glob("*/*.mk")]
    return {target for path in fragments for target in _TARGET.findall(path.read_text())}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_make_commands_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    assert named - targets() == set()


def test_both_readmes_show_the_same_commands_and_manifest() -> None:
    def shown(name: str) -> list[object]:
        commands = [re.sub(r"\s*#.*", "", text) for text in blocks(ROOT / name, "sh")]
        return [*commands, *map(yaml.safe_load, blocks(ROOT / name, "yaml")), *blocks(ROOT / name, "console")]

    assert shown("README.md") == shown("README.zh-CN.md")


def test_the_values_of_the_installation_page_pass_the_charts_schema() -> None:
    (text,) = [text for text in blocks(ROOT / "docs" / "install.md", "yaml") if text.startswith("# my-values.yaml")]
    values = yaml.safe_load(text)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    images = yaml.safe_load((CHART / "ci" / "test-values.yaml").read_text())  # out/images/values.yaml names them
    assert values.keys() <= defaults.keys()
    assert values["config"].keys() <= defaults["config"].keys()
    jsonschema.validate(defaults | images | values, json.loads((CHART / "values.schema.json").read_text()))
