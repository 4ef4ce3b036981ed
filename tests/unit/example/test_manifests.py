"""The files of each example agree with each other (checked without a cluster)."""

import ast
import json

import pytest

from tests.support.example_files import OBJECT_DETECT, TUTORIAL, Example


@pytest.fixture(params=[OBJECT_DETECT, TUTORIAL], ids=lambda example: example.folder.name)
def example(request) -> Example:
    return request.param


def test_the_published_image_is_the_served_one(example):
    image = example.spec["image"]
    assert example.pod["containers"][0]["image"] == f"{image['repository']}:{image['tags'][0]}"


def test_the_service_selects_the_deployments_pods(example):
    objects = example.documents("serving.yaml")
    labels = objects["Deployment", "object-detect"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service", "object-detect"]["spec"]["selector"].items() <= labels.items()


def test_serving_passes_pod_security_restricted(example):
    (container,) = example.pod["containers"]
    assert example.pod["securityContext"]["runAsNonRoot"]
    assert example.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_configuration_names_the_existing_class(example):
    program = json.loads((example.folder / "object-detect.conf").read_text())["http_server"]["exec"]
    module = ast.parse((example.folder / "code" / f"{program['main_file']}.py").read_text())
    assert program["main_class"] in [node.name for node in module.body if isinstance(node, ast.ClassDef)]
