"""The tutorial's object uses the defaults, and its Dockerfile and code have the tutorial's form."""

import json
import posixpath
from pathlib import Path
from typing import Any

import pytest

from demo.scenario import PREPARED, SOURCE, TRAINING_OUTPUT, TUTORIAL
from tests.support import example_files

EXAMPLE = TUTORIAL.example
NAMES = {"secretRef", "pushSecretRef", "caSecretRef"}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return example_files.TUTORIAL.spec


def test_the_object_contains_only_names_and_the_test(spec):
    """Memory, timeouts, builder and formats are the defaults: a user changes only names."""
    assert spec.keys() == {"ufile", "model", "export", "source", "image", "test"}
    assert spec["export"].keys() == {"outputPrefix"}
    assert spec["source"].keys() == {"ufile", "dockerfile"}
    assert spec["image"].keys() == {"repository", "tags"} | (NAMES & spec["image"].keys())
    assert spec["test"].keys() == {"sample", "matchGraph"}


def test_the_object_reads_what_the_scenario_uploads(spec):
    assert spec["model"]["prefix"] == TRAINING_OUTPUT
    assert spec["model"]["labelMap"] == TUTORIAL.label_map
    assert spec["source"]["ufile"]["prefix"] == SOURCE
    assert posixpath.dirname(TUTORIAL.label_map) + "/" == PREPARED


def test_the_dockerfile_has_the_same_form_as_the_tutorials(spec):
    lines = (EXAMPLE / spec["source"]["dockerfile"]).read_text().splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line]
    assert [name for name, _ in instructions] == ["FROM", "EXPOSE", "ADD", "ADD", "ENV", "CMD"]
    for name, rest in instructions:
        if name == "ADD":
            assert (EXAMPLE / rest.split()[0]).exists()
    by_name = dict(instructions)
    assert by_name["FROM"].startswith("uhub.service.ucloud.cn/uaishare/")
    assert "=" not in by_name["ENV"]
    assert not by_name["CMD"].startswith("[")


def test_the_configuration_names_the_folder_of_the_model():
    program = json.loads((EXAMPLE / "object-detect.conf").read_text())["http_server"]
    assert Path(program["tensorflow"]["model_dir"]) == Path("checkpoint_dir")


def test_the_code_is_nine_files():
    assert len(list((EXAMPLE / "code").glob("*.py"))) == 9
