"""The example for Python 3: its Secrets, its Dockerfile and its bases."""

import json
import re
from pathlib import Path

import pytest

from tests.support.example_files import OBJECT_DETECT

EXAMPLE = OBJECT_DETECT.folder


@pytest.fixture(scope="module")
def spec() -> dict:
    return OBJECT_DETECT.spec


@pytest.mark.parametrize("name", ["inferenceimage.yaml", "serving.yaml", "secrets.example.yaml"])
def test_everything_lives_in_the_examples_namespace(name):
    ((_, namespace),) = OBJECT_DETECT.documents("namespace.yaml")
    assert {one["metadata"]["namespace"] for one in OBJECT_DETECT.documents(name).values()} == {namespace}


def test_every_referenced_secret_is_in_the_example_secrets(spec):
    named = {
        spec["ufile"]["secretRef"]["name"],
        spec["image"]["pushSecretRef"]["name"],
        spec["image"]["caSecretRef"]["name"],
        *(one["name"] for one in OBJECT_DETECT.pod["imagePullSecrets"]),
    }
    secrets = {name: one for (_, name), one in OBJECT_DETECT.documents("secrets.example.yaml").items()}
    assert named == set(secrets)
    assert set(secrets["ufile"]["stringData"]) == {"publicKey", "privateKey"}
    assert secrets["uhub"]["type"] == "kubernetes.io/dockerconfigjson"
    assert "uhub.service.ucloud.cn" in json.loads(secrets["uhub"]["stringData"][".dockerconfigjson"])["auths"]


def test_the_dockerfile_has_no_run_and_copies_existing_files(spec):
    lines = (EXAMPLE / spec["source"]["dockerfile"]).read_text().splitlines()
    instructions = [line.split() for line in lines if line and not line.startswith("#")]
    assert [one[0] for one in instructions] == [
        "ARG",
        "FROM",
        "EXPOSE",
        "ENV",
        "COPY",
        "COPY",
        "COPY",
        "WORKDIR",
        "CMD",
    ]
    weights, *sources = [one[1] for one in instructions if one[0] == "COPY"]
    assert weights.rstrip("/") == spec["source"]["checkpointDir"]  # a separate layer; the operator adds these files
    for source in sources:
        assert list(EXAMPLE.glob(source))
    assert {one[1] for one in instructions if one[0] == "ARG"} == set(spec["build"]["args"])


def test_the_models_directory_is_where_the_operator_puts_the_model(spec):
    conf = json.loads((EXAMPLE / "object-detect.conf").read_text())
    in_image = Path("code") / conf["http_server"]["tensorflow"]["model_dir"]
    assert in_image == Path(spec["source"]["checkpointDir"])


def pinned(lock: str) -> dict[str, str]:
    """The versions in a lock by package."""
    return dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", (EXAMPLE.parents[1] / "requirements" / lock).read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("lock", ["inference-tensorflow.txt", "inference-onnx.txt"])
def test_the_base_contains_the_tested_versions(lock):
    assert f"requirements/{lock}" in (EXAMPLE / "base.Dockerfile").read_text()
    tested = pinned("tf-dev.txt") | pinned("export-onnx.txt") | pinned("export.txt")
    assert {name: version for name, version in pinned(lock).items() if tested.get(name) != version} == {}


def test_the_onnx_base_contains_no_tensorflow():
    assert {"onnxruntime", "tensorflow-cpu"} & pinned("inference-onnx.txt").keys() == {"onnxruntime"}
