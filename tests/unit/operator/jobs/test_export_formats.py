"""Export formats beside the frozen graph, and imported graphs: image, input, status, build."""

import json

import msgspec
import pytest

from inference_image_contract import inputs, results
from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from tests.support.world import CONFIG, GRAPH, RESULTS, World

WITH_ONNX = msgspec.structs.replace(
    CONFIG, images=msgspec.structs.replace(CONFIG.images, export_onnx="r/export-onnx@sha256:4")
)
MODEL = inputs.OnnxModel(key="f/model.onnx", sha256="b" * 64, size=900, greatest_difference="4.2e-07")
SAVED = inputs.StoredFile(key="f/saved_model/saved_model.pb", sha256="c" * 64, size=1100)


def world_of(*, model=None, **export) -> World:
    world = World(config=WITH_ONNX)
    world.spec |= {"export": export}
    if model is not None:
        world.spec |= {"model": model}
    return world


def container(job: dict, name: str) -> dict:
    pod = job["spec"]["template"]["spec"]
    return next(c for c in [*pod.get("initContainers", []), *pod["containers"]] if c["name"] == name)


def work(job: dict, name: str) -> dict:
    environment = {item["name"]: item.get("value") for item in container(job, name)["env"]}
    return json.loads(environment["INFERENCE_IMAGE_INPUT"].replace("$$", "$"))


@pytest.mark.parametrize(
    ("formats", "image", "asked"),
    [
        (["FrozenGraph"], "r/export@sha256:1", None),
        (["SavedModel", "FrozenGraph"], "r/export@sha256:1", ["SavedModel"]),
        (["SavedModel", "FrozenGraph", "ONNX"], "r/export-onnx@sha256:4", ["ONNX", "SavedModel"]),
    ],
)
def test_only_onnx_uses_the_larger_image(formats, image, asked):
    world = world_of(formats=formats)
    world.run_to(Stage.EXPORT)
    resolve, export = world.created
    assert container(export, "export")["image"] == image
    assert work(export, "export").get("formats") == asked
    assert work(resolve, "resolve").get("formats") == asked


def test_readable_by_reaches_both_stages():
    world = world_of(readableBy="1.12")
    world.run_to(Stage.EXPORT)
    asked = [work(job, name)["readableBy"] for job, name in zip(world.created, ("resolve", "export"), strict=True)]
    assert asked == ["1.12", "1.12"]


def test_an_imported_graph_needs_no_checkpoint_and_has_no_step():
    world = world_of(model={"labelMap": "label_map.pbtxt"}, frozenGraph={"key": "models/graph.pb"})
    world.run_to(Stage.RESOLVE)
    assert work(world.created[0], "resolve")["frozenGraph"] == "models/graph.pb"
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=None))
    world.settle()
    assert world.condition("Resolved").message == "Pinned an imported graph."
    world.run_whole()
    assert "step" not in write(world.status)["checkpoint"]
    assert "step" not in write(world.status)["history"][0]
    (build,) = (job for job in world.created if job["metadata"]["labels"]["uai.ucloud.cn/stage"] == "Build")
    labels = [arg for arg in container(build, "kaniko")["args"] if arg.startswith("--label=")]
    assert [label for label in labels if "checkpoint-step" in label] == []


def test_a_checkpoint_without_a_step_has_its_name_everywhere():
    world = World()
    world.spec["model"]["checkpoint"] = {"name": "model.ckpt"}
    world.spec["image"]["tags"] = ["latest", "{contentHash}"]
    world.run_to(Stage.RESOLVE)
    asked = work(world.created[0], "resolve")
    assert (asked["checkpointName"], asked.get("step")) == ("model.ckpt", None)
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=None, checkpoint_name="model.ckpt"))
    world.settle()
    assert world.condition("Resolved").message == "Pinned model.ckpt, 3 files."
    world.run_whole()
    status = write(world.status)
    assert (status["checkpoint"]["name"], status["history"][0]["checkpoint"]) == ("model.ckpt", "model.ckpt")
    assert "step" not in status["checkpoint"] | status["history"][0]
    (build,) = (job for job in world.created if job["metadata"]["labels"]["uai.ucloud.cn/stage"] == "Build")
    labels = [arg for arg in container(build, "kaniko")["args"] if arg.startswith("--label=")]
    assert "--label=uai.ucloud.cn/checkpoint-name=model.ckpt" in labels
    assert [label for label in labels if "checkpoint-step" in label or "image.version" in label] == []


def test_the_status_and_the_build_get_every_export_format():
    world = world_of(formats=["FrozenGraph", "SavedModel", "ONNX"])
    world.run_to(Stage.EXPORT)
    world.finish(results.Exported(graph=msgspec.structs.replace(GRAPH, saved_model=SAVED, onnx=MODEL)))
    world.settle()
    status = write(world.status)["frozenGraph"]
    assert status["onnx"] == {"key": MODEL.key, "sha256": MODEL.sha256, "size": 900, "greatestDifference": "4.2e-07"}
    assert status["savedModel"] == {"key": SAVED.key, "sha256": SAVED.sha256, "size": 1100}
    assert work(world.created[-1], "assemble")["graph"]["onnx"] == status["onnx"]
