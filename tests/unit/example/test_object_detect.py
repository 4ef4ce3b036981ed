"""The example's files agree with each other (checked without a cluster)."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).resolve().parents[3] / "examples/object-detect"


def documents(name: str) -> dict[tuple[str, str], dict]:
    """The objects of a manifest by kind and name."""
    loaded = yaml.safe_load_all((EXAMPLE / name).read_text())
    return {(one["kind"], one["metadata"]["name"]): one for one in loaded}


@pytest.fixture(scope="module")
def spec() -> dict:
    return documents("inferenceimage.yaml")["InferenceImage", "object-detect"]["spec"]


@pytest.fixture(scope="module")
def pod() -> dict:
    return documents("serving.yaml")["Deployment", "object-detect"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", ["inferenceimage.yaml", "serving.yaml", "secrets.example.yaml"])
def test_everything_lives_in_the_examples_namespace(name):
    ((_, namespace),) = documents("namespace.yaml")
    assert {one["metadata"]["namespace"] for one in documents(name).values()} == {namespace}


def test_every_referenced_secret_is_in_the_example_secrets(spec, pod):
    named = {
        spec["ufile"]["secretRef"]["name"],
        spec["image"]["pushSecretRef"]["name"],
        spec["image"]["caSecretRef"]["name"],
        *(one["name"] for one in pod["imagePullSecrets"]),
    }
    secrets = {name: one for (_, name), one in documents("secrets.example.yaml").items()}
    assert named == set(secrets)
    assert set(secrets["ufile"]["stringData"]) == {"publicKey", "privateKey"}
    assert secrets["uhub"]["type"] == "kubernetes.io/dockerconfigjson"
    assert "uhub.service.ucloud.cn" in json.loads(secrets["uhub"]["stringData"][".dockerconfigjson"])["auths"]


def test_the_published_image_is_the_served_one(spec, pod):
    image = spec["image"]
    assert pod["containers"][0]["image"] == f"{image['repository']}:{image['tags'][0]}"


def test_the_service_selects_the_deployments_pods():
    objects = documents("serving.yaml")
    labels = objects["Deployment", "object-detect"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service", "object-detect"]["spec"]["selector"].items() <= labels.items()


def test_serving_passes_pod_security_restricted(pod):
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


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


def test_the_configuration_names_the_existing_class():
    program = json.loads((EXAMPLE / "object-detect.conf").read_text())["http_server"]["exec"]
    module = ast.parse((EXAMPLE / "code" / f"{program['main_file']}.py").read_text())
    assert program["main_class"] in [node.name for node in module.body if isinstance(node, ast.ClassDef)]


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
