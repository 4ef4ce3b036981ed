"""A real API server accepts the output of `render`, which reads values as the chart does."""

from pathlib import Path

import pytest
import yaml
from kubernetes import client
from msgspec.structs import replace

from devcluster import versions
from devcluster.binaries import HELM, ensure
from devcluster.lib.run import run
from inference_image_operator.config import installation as config
from kubectl_inferenceimage import installation, manifest
from kubectl_inferenceimage.render import render

ROOT = Path(__file__).parents[2]
GOLDENS = sorted((ROOT / "tests" / "unit" / "cli" / "golden").glob("*.yaml"))
CHART = ROOT / "deploy" / "helm"
EXAMPLE = ROOT / "examples" / "object-detect" / "inferenceimage.yaml"
VALUES = {
    "images": {"operator": "o:1", "export": "e:1", "exportOnnx": "x:1", "build": "b:1", "kaniko": "k:1"},
    "watchNamespaces": ["team-a"],
    "config": {
        "registries": {"allowed": ["uhub.devcluster.test"]},
        "ufile": {
            "allowedEndpoints": [{"scheme": "http", "suffix": ".ufile.devcluster.test"}],
            "network": "Internal",
            "regions": {"private": {"internal": "http://us3.example.com"}, "hk": {"public": ""}, "sg": None},
        },
    },
}


@pytest.mark.parametrize("path", GOLDENS, ids=[path.stem for path in GOLDENS])
def test_the_api_server_accepts_each_job(api_client: client.ApiClient, path: Path) -> None:
    jobs = list(yaml.safe_load_all(path.read_text()))
    assert len(jobs) >= 3
    batch = client.BatchV1Api(api_client)
    for job in jobs:
        job["metadata"]["namespace"] = "default"
        taken = batch.create_namespaced_job("default", job, dry_run="All", field_validation="Strict")
        assert taken.metadata.name == job["metadata"]["name"]


@pytest.fixture
def values(tmp_path: Path) -> Path:
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(VALUES))
    return path


def test_values_have_the_same_meaning_as_in_the_chart(values: Path) -> None:
    helm = ensure(HELM)["helm"]
    text = run([helm, "template", "it", CHART, f"--kube-version={versions.chosen().release}", f"--values={values}"])
    (found,) = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "ConfigMap"]
    unnamed = replace(config.parse(found["data"]["config.yaml"]), installation="")
    assert installation.read(values=str(values)) == unnamed


def test_a_registry_moves_the_images_as_the_chart_does(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    images = VALUES["images"] | {"registry": "mirror.test/all", "kaniko": "r.test/a/kaniko@sha256:" + "0" * 64}
    base = {"sources": {"inferenceBase": "r.test/a/base:1"}}
    path.write_text(yaml.safe_dump(VALUES | {"images": images, "config": VALUES["config"] | base}))
    test_values_have_the_same_meaning_as_in_the_chart(path)
    read = installation.read(values=str(path))
    assert read.images.kaniko == "mirror.test/all/kaniko@sha256:" + "0" * 64
    assert read.sources.inference_base == "mirror.test/all/base:1"


def test_the_example_is_rendered_for_an_installation(values: Path) -> None:
    assert "image: e:1\n" in render(manifest.read(str(EXAMPLE)), installation.read(values=str(values)))
