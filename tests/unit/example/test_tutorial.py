"""The tutorial's files agree with each other, and the object uses the defaults."""

import ast
import json
import posixpath
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.scenario import PREPARED, SOURCE, TRAINING_OUTPUT, TUTORIAL

EXAMPLE = TUTORIAL.example
NAMES = {"secretRef", "pushSecretRef", "caSecretRef"}


def documents(name: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in yaml.safe_load_all((EXAMPLE / name).read_text())}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return documents("inferenceimage.yaml")["InferenceImage"]["spec"]


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    return documents("serving.yaml")["Deployment"]["spec"]["template"]["spec"]


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


def test_the_published_image_is_the_served_one(spec, pod):
    image = spec["image"]
    assert pod["containers"][0]["image"] == f"{image['repository']}:{image['tags'][0]}"


def test_the_service_selects_the_deployments_pods():
    found = documents("serving.yaml")
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"].items() <= labels.items()


def test_serving_passes_pod_security_restricted(pod):
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


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


def test_the_configuration_names_the_existing_class_and_folder():
    program = json.loads((EXAMPLE / "object-detect.conf").read_text())["http_server"]
    module = ast.parse((EXAMPLE / "code" / f"{program['exec']['main_file']}.py").read_text())
    assert program["exec"]["main_class"] in [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    assert Path(program["tensorflow"]["model_dir"]) == Path("checkpoint_dir")
    assert len(list((EXAMPLE / "code").glob("*.py"))) == 9
