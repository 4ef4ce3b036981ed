"""The installed plugin: its command, its CRD, the wrapper's version, and the replacement of the engine."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from kubectl_inferenceimage import crd
from kubectl_inferenceimage.local import engine

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLAN: engine.Plan = {
    "program": "/usr/bin/docker",
    "home": "/home/me",
    "mount": "/w:/workspace",
    "mount_as": "/w:/inference-image",
    "options": ["--cap-drop=ALL"],
    "arguments": ["--snapshot-mode=redo"],
}


def test_kubectl_finds_it() -> None:
    """https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/: programs on PATH."""
    assert PROJECT["project"]["scripts"] == {
        "kubectl-inferenceimage": "kubectl_inferenceimage.__main__:main",
        "kubectl_complete-inferenceimage": "kubectl_inferenceimage.completion:main",
    }


def test_help_waits_for_no_library() -> None:
    """Each of these takes longer to import than all else that --help does."""
    code = "import sys, kubectl_inferenceimage.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"kubernetes", "requests", "rich", "msgspec"} & {*done.stdout.split()}


def test_the_crd_is_the_one_of_the_repository() -> None:
    assert crd.CRD.resolve() == ROOT / "crds" / "inferenceimages.uai.ucloud.cn.yaml"
    assert PROJECT["tool"]["setuptools"]["package-data"]["kubectl_inferenceimage"][0] == crd.CRD.name


def test_the_page_is_in_the_package() -> None:
    package = ROOT / "cli" / "kubectl_inferenceimage"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["kubectl_inferenceimage"]
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    assert {path.name for path in packed if path.parent.name == "page"} == {"index.html", "style.css", "page.js"}


def test_the_wrapper_is_the_version_that_is_pinned() -> None:
    (pinned,) = [found for found in PROJECT["project"]["optional-dependencies"]["cli"] if "kaniko-wrapper" in found]
    assert pinned == "kaniko-wrapper==2.0.3"
    assert re.fullmatch(r"2\.0\.3(\.0)?", version("kaniko-wrapper"))


def test_the_command_line_is_completed() -> None:
    words = ["run", "--rm", "-v", "/w:/workspace", "kaniko", "--snapshot-mode=full"]
    assert engine.completed(words, PLAN) == [
        *("run", "--cap-drop=ALL", "--rm", "-v", "/w:/inference-image"),
        *("kaniko", "--snapshot-mode=full", "--snapshot-mode=redo"),
    ]


@pytest.mark.parametrize("words", [["image", "inspect", "kaniko"], ["pull", "kaniko"], []])
def test_other_commands_stay_unchanged(words: list[str]) -> None:
    assert engine.completed(words, PLAN) == words


@pytest.mark.parametrize("words", [["run", "kaniko"], ["run", "-v", "/w:/workspace", "-v", "/w:/workspace"]])
def test_another_version_of_the_wrapper_is_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="runs Kaniko in another way"):
        engine.completed(words, PLAN)


def test_the_engine_has_its_users_home() -> None:
    assert engine.environment({"HOME": "/scratch", "A": "b"}, PLAN) == {"HOME": "/home/me", "A": "b"}
