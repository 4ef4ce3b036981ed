"""Every export format on the real kubelet, and an image that runs ONNX."""

import pytest

from demo import install
from devcluster import settings
from devcluster.images import catalog


@pytest.fixture(scope="module")
def onnx() -> None:
    """The installation with the converting image, and the base that runs ONNX models."""
    install.operator(catalog.push_all(catalog.build_all((*catalog.ALL, *catalog.EXTRA))))


@pytest.mark.usefixtures("onnx")
def test_an_image_runs_the_onnx_model_and_finds_what_the_graph_finds(case):
    case.spec["export"]["formats"] = ["FrozenGraph", "SavedModel", "ONNX"]
    case.spec["build"]["args"]["BASE_IMAGE"] = f"{settings.IMAGE_PREFIX}/inference-base-onnx:latest"
    case.apply()
    status = case.until_ready()
    assert float(status["frozenGraph"]["onnx"]["greatestDifference"]) < 1e-4
    assert status["frozenGraph"]["savedModel"]["size"] > 1_000_000
    assert case.spec["test"]["matchGraph"] is True
    files = case.pulled().files
    assert {f"/ai/checkpoint_dir/{name}" for name in ("frozen_inference_graph.pb", "model.onnx")} < files.keys()
    assert [path for path in files if "tensorflow" in path] == []
