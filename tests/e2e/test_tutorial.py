"""The tutorial at full size with defaults: its scenario, and its image built by Append."""

import json
from collections.abc import Iterator

import pytest
import yaml

from demo import kubectl
from demo.pipeline import condition
from demo.scenario import NAME, TRAINING_OUTPUT, TUTORIAL
from tests.e2e import registry
from tests.e2e.stack import fresh_repository, run_demo

APPEND = f"{NAME}-append"
GIB = 1 << 30


@pytest.fixture(scope="module")
def image() -> Iterator[kubectl.Object]:
    """The Ready InferenceImage of `make demo-tutorial`; its image is deployed and has answered curl."""
    run_demo(TUTORIAL.title)
    yield kubectl.get("-n", TUTORIAL.namespace, "infimg", NAME)
    kubectl.kubectl("-n", TUTORIAL.namespace, "scale", f"deployment/{NAME}", "--replicas=0")  # others need the node


def test_the_services_answers_equal_the_graphs(image):
    answers = json.loads((TUTORIAL.out / "summary.json").read_text())["answers"]
    assert answers["pictures"] == TUTORIAL.pictures
    assert answers["objects"] > 0
    assert answers["different"] == []


def test_no_stage_failed(image):
    assert "lastFailure" not in image["status"], kubectl.explain(TUTORIAL.namespace)
    pods = kubectl.get("-n", TUTORIAL.namespace, "pods", "-l", f"uai.ucloud.cn/inferenceimage={NAME}")["items"]
    assert [pod for pod in pods if pod["status"]["phase"] == "Failed"] == []
    assert "kaniko" in {one["name"] for pod in pods for one in pod["spec"].get("initContainers", [])}


def test_the_status_has_the_oldest_tensorflow_and_the_memory(image):
    status = image["status"]
    assert status["frozenGraph"]["readableBy"] == "1.7"
    assert status["frozenGraph"]["size"] > 190_000_000
    assert 2 * GIB < status["frozenGraph"]["memoryBytes"] < 3 * GIB
    assert GIB // 2 < status["image"]["memoryBytes"] < GIB + GIB // 2
    assert status["memory"].keys() == {"export", "test"}


def test_only_the_checkpoint_of_the_step_is_pinned(image):
    """The folder also has a model.ckpt without a step, records, configs, and a `checkpoint` file with other paths."""
    keys = [file["key"] for file in image["status"]["checkpoint"]["files"]]
    assert {key.rpartition(".")[0] for key in keys if ".ckpt" in key} == {f"{TRAINING_OUTPUT}model.ckpt-200000"}


def test_append_makes_the_same_image_and_it_passes_the_same_test(image):
    manifest = yaml.safe_load(TUTORIAL.manifest.read_text())
    manifest["metadata"]["name"] = APPEND
    manifest["spec"]["build"] = {"builder": "Append"}
    manifest["spec"]["image"]["repository"] = fresh_repository()
    kubectl.kubectl("-n", TUTORIAL.namespace, "delete", "infimg", APPEND, "--ignore-not-found", "--wait=true")
    kubectl.apply(manifest)
    wait = ("--for=condition=Ready", "--timeout=400s", f"infimg/{APPEND}")
    said = kubectl.kubectl("-n", TUTORIAL.namespace, "wait", *wait)
    assert "condition met" in said, kubectl.explain(TUTORIAL.namespace)
    appended = kubectl.get("-n", TUTORIAL.namespace, "infimg", APPEND)
    assert condition(appended, "Tested")["status"] == "True"
    assert appended["status"]["frozenGraph"]["sha256"] == image["status"]["frozenGraph"]["sha256"]
    references = [one["status"]["image"]["reference"] for one in (appended, image)]
    base = set.intersection(*(set(registry.layers(reference)) for reference in references))
    ours, kanikos = (registry.pulled(reference, tuple(base)) for reference in references)
    assert base, "the layers of the base image are the same"
    assert ours.settings == kanikos.settings
    assert ours.files == kanikos.files
    code = [path for path in ours.files if path.endswith(".py")]
    assert len(code) == len(list((TUTORIAL.example / "code").glob("*.py")))
