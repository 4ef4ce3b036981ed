"""The tutorial's model at full size, through the whole stage: Faster R-CNN on ResNet-101, 37 classes."""

import hashlib

import msgspec
import numpy as np
import pytest

from devcluster.fixture import TUTORIAL, fixture
from devcluster.ufile import KeyPair, running
from inference_image_contract import inputs
from inference_image_export.onnx_model import difference
from inference_image_store import Credentials, Store
from tests.support.exporting import export_stage
from tests.tensorflow1.conftest import RELEASES, TODAY, ask_everywhere, write_questions
from tests.tf.conftest import OUTPUT, PRIVATE_KEY, PUBLIC_KEY, TRAINING_OUTPUT

LARGEST_DIFFERENCE = 1e-4
"""Measured: 1e-5 (docs/guides/export.md)."""
MIB = 1 << 20


@pytest.fixture
def model(tmp_path):
    """The stage's input for the training's output, in a store."""
    trained = fixture(TUTORIAL)
    with running(tmp_path / "ufile", [KeyPair(public_key=PUBLIC_KEY, private_key=PRIVATE_KEY)]) as stand_in:
        location = inputs.UFile(bucket=stand_in.bucket, scheme="http", suffix=stand_in.suffix)
        store = Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY))
        pins = {}
        for path in trained.training_output:
            info = store.upload(path, TRAINING_OUTPUT + path.name)
            pins[path.name] = inputs.PinnedObject(key=info.key, size=info.size, etag=info.etag)
        input_lock = inputs.InputLock(
            fingerprint="sha256:" + "ab" * 32,
            inputs_hash="sha256:" + "cd" * 32,
            step=trained.step,
            checkpoint=tuple(pin for name, pin in pins.items() if name.startswith("model.ckpt-")),
            pipeline_config=pins["pipeline.config"],
            label_map=pins["pipeline.config"],
            num_classes=37,
            source=(),
            dockerfile="Dockerfile",
            base_images={},
        )
        data = msgspec.json.encode(input_lock)
        key = f"{OUTPUT}resolved/manifest.json"
        store.write(data, key)
        reference = inputs.InputLockRef(key=key, sha256=hashlib.sha256(data).hexdigest())
        stage = inputs.ExportInput(
            ufile=location,
            input_lock=reference,
            input_type="image_tensor",
            output_prefix=OUTPUT,
            timeout_seconds=900,
            readable_by="1.7",
        )
        yield stage, store


def pictures() -> list[np.ndarray]:
    """Coarse noise, in which the model detects something, in two shapes."""
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (1, *size, 3), np.uint8).repeat(40, 1).repeat(40, 2) for size in ((9, 12), (12, 9))]


def test_it_is_exported_within_its_memory_and_answers_on_every_release(model, tmp_path, record_property):
    stage, store = model
    exported = export_stage(stage, store)
    graph = exported.graph
    assert (graph.readable_by, graph.size > 180_000_000) == ("1.7", True)
    assert graph.memory_bytes <= exported.peak_memory_bytes < 3072 * MIB  # the installation's default is 4 GiB
    plain = store.head(OUTPUT + "frozen_inference_graph.pb")
    assert (plain.size, plain.etag) == (graph.size, store.head(graph.key).etag)
    folder = tmp_path / "asked"
    folder.mkdir()
    store.download(graph.key, folder / "graph.pb")
    batches = pictures()
    write_questions(folder, batches)
    ask_everywhere(folder)
    differences = {version: max(map(difference, *answers(folder, version, len(batches)))) for version in RELEASES}
    record_property("differs by", differences)
    assert max(differences.values()) <= LARGEST_DIFFERENCE


def answers(folder, version: str, count: int) -> list[list]:
    """The answers of the current release and of another one to each batch.

    The random weights give many detections high scores. The order of equal scores is random, so each is compared with
    the nearest of its class.
    """
    found = [[np.load(folder / of / f"{n}.graph.npz") for n in range(count)] for of in (TODAY, version)]
    assert min((each["detection_scores"] > 0.5).sum() for each in found[0]) > 10  # it detects something
    return found
