"""GitHub's files: the workflows run existing commands, and the forms and the bot's configuration are valid."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docs.test_pages import targets

ROOT = Path(__file__).parents[3]
GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
MARKS = {"github-actions": ".github/workflows/*.yml", "pip": "*.in", "gomod": "go.mod", "maven": "pom.xml"}


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", sorted((GITHUB / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_run_commands_that_exist(workflow: Path) -> None:
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", commands)) - targets() == set()
    assert "${{ secrets" not in commands
    assert "${{ github" not in commands, "a name of a branch or tag must not become shell"


def test_a_tag_makes_a_release_of_that_tag() -> None:
    commands = "\n".join(step.get("run", "") for step in steps(GITHUB / "workflows" / "release.yml"))
    assert 'TAG="$GITHUB_REF_NAME"' in commands
    assert "out/release/*" in commands


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_forms_ask_with_labels_and_ids(form: Path) -> None:
    document = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= document.keys()
    fields = [field for field in document["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    names = [field["id"] for field in fields]
    assert len(names) == len(set(names))


def test_the_bot_finds_what_it_is_to_watch() -> None:
    for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]:
        for directory in update.get("directories", [update.get("directory")]):
            assert list(ROOT.glob(f"{directory}/{MARKS[update['package-ecosystem']]}".lstrip("/"))), directory


def test_what_the_bot_leaves_alone_exists() -> None:
    for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]:
        for pattern in update.get("exclude-paths", []):
            assert list((ROOT / update["directory"].lstrip("/")).glob(pattern)), pattern
