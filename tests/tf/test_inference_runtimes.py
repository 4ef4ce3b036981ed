"""The trained detector on both runtimes: the same answers, one at a time and in batches.

The ONNX model is a real one, converted by tf2onnx from the frozen graph of the trained fixture.
"""

import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf2onnx
from PIL import Image

import runtimes
import shapes
from detector import INPUT, OUTPUTS
from inference_image_export.exporting import export
from inference_image_export.fetch import Source
from inference_server import BadInput, ServiceConfig
from inference_server.config import Batching, read_config
from inference_server.model import create_model
from inference_server.service import Service
from object_detect_inference import ObjectDetectModel
from onnx_model import OnnxModel

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/object-detect"
CLOSE = 1e-5
COUNT = 12
DEADLINE = 60


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory) -> Path:
    """A `checkpoint_dir` with the frozen graph, the ONNX model and the label map of the trained fixture."""
    directory = tmp_path_factory.mktemp("exported")
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    source = Source(prefix, prefix.name, trained.directory / "pipeline.config", "pipeline.config", ())
    graph = export(source, "image_tensor", directory / "export").graph
    definition = tf.compat.v1.GraphDef.FromString(graph.read_bytes())
    tensors = [f"{name}:0" for name in OUTPUTS]
    model, _ = tf2onnx.convert.from_graph_def(definition, input_names=[f"{INPUT}:0"], output_names=tensors, opset=17)
    target = directory / "checkpoint_dir"
    target.mkdir()
    (target / runtimes.ONNX_MODEL).write_bytes(model.SerializeToString())
    shutil.copy(graph, target / runtimes.FROZEN_GRAPH)
    shutil.copy(trained.label_map, target / "label_map.pbtxt")
    return target


@pytest.fixture(scope="module")
def directories(exported, tmp_path_factory) -> dict[str, Path]:
    """Runtime -> a `checkpoint_dir` that makes the example choose it."""
    plain = tmp_path_factory.mktemp("tensorflow")
    for name in (runtimes.FROZEN_GRAPH, "label_map.pbtxt"):
        shutil.copy(exported / name, plain)
    return {"onnx": exported, "tensorflow": plain}


def loaded(directory: Path, **options: object) -> ObjectDetectModel:
    config = ServiceConfig("ObjectDetectModel", "object_detect_inference", directory, {"score_threshold": 0, **options})
    model = ObjectDetectModel(config)
    model.load_model()
    return model


@pytest.fixture(scope="module")
def models(directories) -> dict[str, ObjectDetectModel]:
    """The example with each runtime; with threshold 0, to compare every detection."""
    made = {name: loaded(directory) for name, directory in directories.items()}
    assert {name: type(model._detector).__name__ for name, model in made.items()} == {
        "onnx": "OnnxModel",
        "tensorflow": "FrozenGraph",
    }
    return made


def resized(picture: bytes, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).resize(size).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def drawn() -> list[bytes]:
    """Pictures of three sizes, mixed."""
    sizes = itertools.cycle([(256, 256), (160, 120), (256, 256), (120, 160)])
    return [resized(picture, size) for (picture, _), size in zip(shapes.pictures(7, COUNT), sizes, strict=False)]


def assert_same(answers: list, others: list) -> None:
    """The same detections in the same order, boxes and scores within `CLOSE`."""
    assert len(answers) == len(others)
    for answer, other in zip(answers, others, strict=True):
        mine, theirs = answer["detections"], other["detections"]
        assert [one["id"] for one in mine] == [one["id"] for one in theirs]
        for key in ("score", "box"):
            np.testing.assert_allclose(
                [one[key] for one in mine], [one[key] for one in theirs], rtol=0, atol=CLOSE, err_msg=key
            )


def one_by_one(model: ObjectDetectModel, bodies: list[bytes]) -> list:
    return [model.execute([body], 1)[0] for body in bodies]


def test_both_runtimes_give_the_same_answers(models, drawn):
    answers = one_by_one(models["onnx"], drawn)
    assert_same(answers, one_by_one(models["tensorflow"], drawn))
    best = [answer["detections"][0]["score"] for answer in answers]
    assert sum(score > 0.5 for score in best) > COUNT // 2, "too few detections for a meaningful comparison"


@pytest.mark.parametrize("runtime", ["onnx", "tensorflow"])
def test_a_batch_gives_the_answers_of_one_at_a_time(models, drawn, runtime):
    model = models[runtime]
    assert_same(model.execute(drawn, len(drawn)), one_by_one(model, drawn))


def test_onnx_runs_the_pictures_of_a_batch_side_by_side(models, drawn, monkeypatch):
    model, both = models["onnx"], threading.Barrier(2)
    run = model._detector.run

    def met(pictures):
        both.wait(DEADLINE)
        assert len(pictures) == 1
        return run(pictures)

    monkeypatch.setattr(model._detector, "run", met)
    monkeypatch.setattr(model, "_workers", ThreadPoolExecutor(2))
    assert len(model.execute(drawn, len(drawn))) == len(drawn)


def test_tensorflow_runs_pictures_of_one_size_together(models, drawn, monkeypatch):
    model, sizes = models["tensorflow"], []
    run = model._detector.run
    monkeypatch.setattr(model._detector, "run", lambda pictures: sizes.append(pictures.shape) or run(pictures))
    model.execute(drawn, len(drawn))
    assert sizes == [(6, 256, 256, 3), (3, 120, 160, 3), (3, 160, 120, 3)]


@pytest.mark.parametrize("runtime", ["onnx", "tensorflow"])
def test_an_invalid_picture_does_not_change_other_answers(models, drawn, runtime):
    model = models[runtime]
    bodies = [b"text", drawn[0], drawn[1][:-100], drawn[2]]
    first, second, third, fourth = model.execute(bodies, 4)
    assert isinstance(first, BadInput)
    assert "not a picture" in str(first)
    assert isinstance(third, BadInput)
    assert "cannot be decoded" in str(third)
    assert_same([second, fourth], one_by_one(model, [drawn[0], drawn[2]]))


def test_large_pictures_run_alone(models, monkeypatch):
    model, sizes = models["tensorflow"], []
    monkeypatch.setattr("object_detect_inference.BATCH_PIXELS", 100)
    run = model._detector.run
    monkeypatch.setattr(model._detector, "run", lambda pictures: sizes.append(len(pictures)) or run(pictures))
    bodies = [resized(picture, (8, 8)) for picture, _ in shapes.pictures(7, 3)]
    assert len(model.execute(bodies, 3)) == 3
    assert sizes == [1, 1, 1]


@pytest.mark.parametrize("runtime", ["onnx", "tensorflow"])
def test_many_clients_at_once_get_the_answers_of_one(directories, drawn, runtime, tmp_path):
    shutil.copytree(EXAMPLE / "code", tmp_path / "code")
    document = json.loads((EXAMPLE / "object-detect.conf").read_text())
    document["http_server"]["tensorflow"] |= {"model_dir": str(directories[runtime]), "score_threshold": 0}
    (tmp_path / "code/conf.json").write_text(json.dumps(document))
    config = read_config(str(tmp_path / "code/conf.json"))
    batches: list[int] = []
    service = Service(lambda: create_model(config), pytest.fail, Batching(max_size=4, max_delay=0.05))
    service.metrics.executed = lambda size, _: batches.append(size)
    loading = threading.Thread(target=service._load)
    loading.start()
    loading.join(DEADLINE)
    alone = [service.answer(body) for body in drawn]
    with ThreadPoolExecutor(8) as clients:
        together = list(clients.map(service.answer, drawn * 3, timeout=DEADLINE))
    assert_same(together, alone * 3)
    assert max(batches) == 4


@pytest.mark.parametrize(("runtime", "other"), [("onnx", "tensorflow"), ("tensorflow", "onnxruntime")])
def test_only_the_runtime_that_is_used_is_imported(directories, drawn, runtime, other, tmp_path):
    (tmp_path / "picture.png").write_bytes(drawn[0])
    program = """
import pathlib, sys
from inference_server import ServiceConfig
from object_detect_inference import ObjectDetectModel
model = ObjectDetectModel(ServiceConfig("", "", pathlib.Path(sys.argv[1]), {}))
model.load_model()
(answer,) = model.execute([pathlib.Path(sys.argv[2]).read_bytes()], 1)
print(sorted(answer), sys.argv[3] in sys.modules)
"""
    path = os.pathsep.join(str(EXAMPLE / name) for name in ("server", "code"))
    ended = subprocess.run(
        [sys.executable, "-c", program, directories[runtime], tmp_path / "picture.png", other],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "['detections'] False\n", ended.stderr


def without(monkeypatch, *missing: str) -> None:
    """Runs the example as in an image without these packages."""
    find = runtimes.find_spec
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None if name in missing else find(name))


def test_an_image_without_onnxruntime_runs_the_frozen_graph_and_says_so(exported, monkeypatch, caplog):
    without(monkeypatch, "onnxruntime")
    assert type(runtimes.load_detector(exported, 1)).__name__ == "FrozenGraph"
    assert "this image has no onnxruntime" in caplog.text


def test_an_image_without_tensorflow_says_what_it_needs(directories, monkeypatch):
    without(monkeypatch, "tensorflow")
    with pytest.raises(FileNotFoundError, match=r"export model\.onnx too"):
        runtimes.load_detector(directories["tensorflow"], 1)


def test_an_invalid_onnx_model_is_named(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match=r"model\.onnx is not a model that ONNX Runtime can load"):
        OnnxModel(file, 1)


def test_an_onnx_model_that_is_not_a_detector_is_named_with_its_missing_tensor(exported, tmp_path):
    model = onnx.load(exported / "model.onnx")
    kept = [output for output in model.graph.output if output.name != "num_detections:0"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="it lacks num_detections"):
        OnnxModel(tmp_path / "model.onnx", 1)


def test_an_export_for_any_number_of_pictures_has_no_largest_batch(models):
    assert {model._detector.max_batch for model in models.values()} == {None}


def test_names_without_the_output_number_are_accepted(exported, tmp_path, drawn, models):
    model = onnx.load(exported / "model.onnx")
    renamed = {f"{name}:0": name for name in (INPUT, *OUTPUTS)}
    for value in [*model.graph.input, *model.graph.output]:
        value.name = renamed[value.name]
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    onnx.save(model, tmp_path / "model.onnx")
    shutil.copy(exported / "label_map.pbtxt", tmp_path)
    assert_same(one_by_one(loaded(tmp_path), drawn[:2]), one_by_one(models["onnx"], drawn[:2]))
