"""The TensorFlow-free reader of index files, on files written by TensorFlow."""

import subprocess
import sys

import pytest
import tensorflow as tf

from devcluster.fixture import Fixture
from inference_image_contract.checkpoint_index import is_object_based, shard_sizes

v1 = tf.compat.v1


def sizes_on_disk(prefix) -> tuple[int, ...]:
    shards = sorted(prefix.parent.glob(f"{prefix.name}.data-*"))
    return tuple(shard.stat().st_size for shard in shards)


def test_the_trained_checkpoint_has_the_sizes_in_its_index(trained: Fixture):
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    assert shard_sizes((trained.directory / f"{prefix.name}.index").read_bytes()) == sizes_on_disk(prefix)


def test_a_checkpoint_of_tensorflow_2_is_told_apart(trained: Fixture, tmp_path):
    code = "import sys, tensorflow as tf; tf.train.Checkpoint(w=tf.Variable([1.0, 2.0])).save(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "ckpt")], check=True, capture_output=True)
    assert is_object_based((tmp_path / "ckpt-1.index").read_bytes())
    assert not is_object_based((trained.directory / f"model.ckpt-{trained.step}.index").read_bytes())


@pytest.fixture
def save(tmp_path):
    """save(variables, sharded=...) saves what `variables` makes on two devices; the prefix of the files."""

    def saved(variables, **options):
        with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
            variables()
            session.run(v1.global_variables_initializer())
            v1.train.Saver(**options).save(session, str(tmp_path / "model.ckpt"), global_step=7)
        return tmp_path / "model.ckpt-7"

    return saved


def one_each() -> None:
    for device, size in (("/cpu:0", 1000), ("/cpu:1", 30)):
        with tf.device(device):
            v1.get_variable(f"on{device[-1]}/weights", [size])
            v1.get_variable(f"on{device[-1]}/bias", [3], dtype=tf.float64)


def in_slices() -> None:
    """Partitioned variables: their entries lie under encoded keys."""
    v1.get_variable("partitioned", [10, 7], partitioner=v1.fixed_size_partitioner(3))
    v1.get_variable("whole", [5])


def many() -> None:
    """More than one block of the table."""
    for number in range(600):
        v1.get_variable(f"FeatureExtractor/Conv2d_{number}_depthwise/BatchNorm/moving_variance", [number % 7 + 1])


def names() -> None:
    """Strings have lengths and a checksum before their bytes."""
    v1.get_variable("names", initializer=tf.constant(["disc", "box", ""] * 50))
    v1.get_variable("nothing", [0, 4])
    v1.get_variable("scalar", [], dtype=tf.int64, initializer=v1.zeros_initializer())


@pytest.mark.parametrize(
    ("variables", "sharded", "shards"),
    [(one_each, False, 1), (one_each, True, 2), (in_slices, False, 1), (many, False, 1), (names, False, 1)],
    ids=["one file", "two shards", "slices", "many", "strings, nothing, a scalar"],
)
def test_files_of_a_saver_have_the_sizes_in_their_index(save, variables, sharded, shards):
    prefix = save(variables, sharded=sharded)
    on_disk = sizes_on_disk(prefix)
    assert len(on_disk) == shards
    assert shard_sizes(prefix.with_name(f"{prefix.name}.index").read_bytes()) == on_disk


WRITES = """
import sys
import tensorflow as tf
tf.train.Checkpoint(kernel=tf.Variable(tf.random.normal([9, 9])), step=tf.Variable(3)).write(sys.argv[1])
"""


def test_files_of_keras_have_the_sizes_in_their_index(tmp_path):
    prefix = tmp_path / "model.ckpt-7"
    # A separate process: here the Object Detection API may have disabled eager execution.
    subprocess.run([sys.executable, "-c", WRITES, str(prefix)], check=True, capture_output=True)
    assert shard_sizes((tmp_path / "model.ckpt-7.index").read_bytes()) == sizes_on_disk(prefix)
