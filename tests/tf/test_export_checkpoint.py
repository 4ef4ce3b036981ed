"""Damage of a checkpoint is reported from its bytes alone, before TensorFlow is imported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tensorflow.compat import v1 as tf

from inference_image_contract import progress
from inference_image_contract.checkpoint_index import shard_sizes, tensors
from inference_image_contract.errors import StageError
from inference_image_contract.progress import Progress, Unit, What
from inference_image_contract.reasons import Reason
from inference_image_export import stage
from inference_image_export.checkpoint import check
from inference_image_export.fetch import Source
from tests.support.exporting import export_stage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(trained, tmp_path) -> Source:
    """A copy of the trained checkpoint."""
    for path in trained.training_output:
        shutil.copy(path, tmp_path)
    prefix = tmp_path / f"model.ckpt-{trained.step}"
    return Source(prefix, "train/model.ckpt-800", tmp_path / "pipeline.config", "train/pipeline.config", ())


def file_of(source: Source, suffix: str) -> Path:
    return source.checkpoint_prefix.with_name(source.checkpoint_prefix.name + suffix)


def test_a_trained_checkpoint_is_valid(source):
    check(source)


def test_every_tensor_that_tensorflow_sees_is_seen(source):
    expected = tf.train.load_checkpoint(str(source.checkpoint_prefix)).get_variable_to_shape_map()
    data = file_of(source, ".index").read_bytes()
    assert {entry.name for entry in tensors(data)} == set(expected)
    assert shard_sizes(data) == (file_of(source, ".data-00000-of-00001").stat().st_size,)


def test_the_log_says_how_many_tensors_are_read(source, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", 0)
    entries = tensors(file_of(source, ".index").read_bytes())
    check(source)
    told = [progress.parse(line) for line in capsys.readouterr().err.splitlines()]
    whole = len(entries)
    assert told == [Progress(What.CHECK, number, whole, Unit.TENSORS) for number in range(1, whole + 1)]


def flipped(data: bytes) -> bytes:
    """One bit, in the middle."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        (".data-00000-of-00001", flipped, "do not match their checksum"),
        (".data-00000-of-00001", lambda data: data[:-1], "bytes, but its index says"),
        (".data-00000-of-00001", lambda _: None, "which is missing"),
        (".index", lambda data: data[: len(data) // 2], "its index does not end with the magic number of an index"),
        (".index", lambda data: b"\x00" * len(data), "its index does not end with the magic number of an index"),
    ],
    ids=["a bit", "cut", "gone", "index cut", "index of zeros"],
)
def test_damage_is_reported(source, suffix, damage, message):
    path = file_of(source, suffix)
    data = damage(path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(StageError) as caught:
        check(source)
    assert caught.value.reason is Reason.CHECKPOINT_DAMAGED
    assert "train/model.ckpt-800 is damaged" in caught.value.message
    assert message in caught.value.message


def test_the_verdict_does_not_wait_for_the_exporter(world, trained, monkeypatch):
    monkeypatch.setattr(stage, "export", lambda *_: pytest.fail("the exporter was called"))
    name = f"model.ckpt-{trained.step}.data-00000-of-00001"
    damaged = world.replaced(name, flipped((trained.directory / name).read_bytes()))
    with pytest.raises(StageError, match="is damaged"):
        export_stage(damaged.stage, damaged.store)


def test_tensorflow_is_not_imported_before_the_check():
    code = "import sys, inference_image_export.__main__; print(*{'tensorflow', 'numpy', 'keras'} & {*sys.modules})"
    path = [str(ROOT / part) for part in ("job_contract", "object_store", "export_job")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path}; {code}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
