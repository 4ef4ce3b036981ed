"""What a person reads when the requested checkpoint does not exist: what lies there instead, and what to do."""

import pytest

from inference_image_build.checkpoint import absent
from inference_image_build.checkpoint.select import Wanted
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo
from tests.support.image_tables import entry, header, index, table

PREFIX = "uai/train/"
NOT_FOUND, UNSUPPORTED = Reason.CHECKPOINT_NOT_FOUND, Reason.CHECKPOINT_UNSUPPORTED
LATEST = Wanted(PREFIX)
OBJECT_BASED = table(
    [[(b"", header(1)), *((name, entry(0, 0, 10)) for name in (b"_CHECKPOINTABLE_OBJECT_GRAPH", b"a/.ATTRIBUTES/V"))]]
)
TF2 = {"ckpt-5.index": OBJECT_BASED, "ckpt-5.data-00000-of-00001": b"w", "checkpoint": b"", "pipeline.config": b""}
ZOO = {
    "model.ckpt.index": index(1),
    "model.ckpt.data-00000-of-00001": b"w",
    "model.ckpt.meta": b"",
    "checkpoint": b"",
    "pipeline.config": b"",
}


class Listed:
    """Objects by their names below the prefix."""

    def __init__(self, files: dict[str, bytes], most: int = 10_000) -> None:
        self.files = {PREFIX + name: data for name, data in files.items()}
        self.most = most

    def list(self, prefix: str, *, limit: int) -> list[ObjectInfo]:
        found = [ObjectInfo(key, len(data), "e") for key, data in self.files.items() if key.startswith(prefix)]
        if len(found) > min(limit, self.most):
            raise StageError(Reason.LIMIT_EXCEEDED, "too many", "")
        return found

    def read(self, key: str, *, max_bytes: int, etag: str = "") -> bytes:
        assert len(self.files[key]) <= max_bytes
        assert etag == "e"
        return self.files[key]


CASES = {
    "nothing": ({}, LATEST, "", NOT_FOUND, "no object begins with this prefix", "Set spec.model.prefix"),
    "other files": ({"a.txt": b""}, LATEST, "", NOT_FOUND, "it holds a.txt", "Set spec.model.prefix"),
    "TensorFlow 2": (
        TF2,
        LATEST,
        "ckpt-5",
        UNSUPPORTED,
        "ckpt-5 under uai/train/ is a checkpoint of",
        "for TensorFlow 1",
    ),
    "TensorFlow 2, a step": (TF2, Wanted(PREFIX, 5), "", UNSUPPORTED, "checkpoint of TensorFlow 2", "for TensorFlow 1"),
    "the zoo's": (
        ZOO,
        LATEST,
        "model.ckpt",
        NOT_FOUND,
        "uai/train/checkpoint names the checkpoint model.ckpt as the newest, but this name contains no step.",
        "`name: model.ckpt`",
    ),
    "the zoo's without its checkpoint file": (
        ZOO,
        LATEST,
        "",
        NOT_FOUND,
        "There is no checkpoint with a step under uai/train/, but model.ckpt, whose name contains no step.",
        "`name: model.ckpt`",
    ),
    "the zoo's beside an older training": (
        ZOO | {"model.ckpt-5.index": b""},
        LATEST,
        "model.ckpt",
        NOT_FOUND,
        "names the checkpoint model.ckpt as the newest, but this name contains no step.",
        "`name: model.ckpt`",
    ),
    "the zoo's, a step": (
        ZOO,
        Wanted(PREFIX, 5),
        "",
        NOT_FOUND,
        "There is no checkpoint of step 5 under uai/train/, but model.ckpt, whose name contains no step.",
        "`name: model.ckpt`. Tags of such an image cannot use {step}.",
    ),
    "another name": (
        ZOO,
        Wanted(PREFIX, name="best"),
        "",
        NOT_FOUND,
        "There is no checkpoint best under uai/train/; existing checkpoints: model.ckpt.",
        "Set spec.model.checkpoint.name",
    ),
    "a name among steps": (
        {"model.ckpt-8.index": b""},
        Wanted(PREFIX, name="model.ckpt"),
        "",
        NOT_FOUND,
        "existing steps: 8",
        "in place of name",
    ),
    "the first format": (
        {"model.ckpt-5": b"", "model.ckpt-5.meta": b"", "checkpoint": b""},
        LATEST,
        "model.ckpt-5",
        UNSUPPORTED,
        "uai/train/model.ckpt-5 is a checkpoint in TensorFlow's first format (V1)",
        "tf.train.Saver",
    ),
    "a folder below": (
        {"run1/model.ckpt-5.index": b"", "run2/model.ckpt-9.index": b""},
        LATEST,
        "",
        NOT_FOUND,
        "checkpoints below it, in run1/, run2/",
        "Set spec.model.prefix to uai/train/run1/",
    ),
    "a frozen graph": (
        {"frozen_inference_graph.pb": b"", "saved_model/saved_model.pb": b""},
        LATEST,
        "",
        NOT_FOUND,
        "but the frozen graph uai/train/frozen_inference_graph.pb",
        "set spec.export.frozenGraph.key to uai/train/frozen_inference_graph.pb",
    ),
    "a SavedModel": (
        {"saved_model/saved_model.pb": b""},
        LATEST,
        "",
        NOT_FOUND,
        "but the SavedModel uai/train/saved_model/saved_model.pb",
        "upload the training's checkpoint",
    ),
    "a packed archive": (
        {"ssd_mobilenet_v2_coco_2018_03_29.tar.gz": b""},
        LATEST,
        "",
        NOT_FOUND,
        "but the archive uai/train/ssd_mobilenet_v2_coco_2018_03_29.tar.gz",
        "Unpack the archive",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_lies_there_is_named(case):
    files, wanted, named, reason, words, hint = CASES[case]
    error = absent.failure(Listed(files), wanted, named)
    assert error.reason == reason
    assert words in error.message
    assert error.message.endswith(".")
    assert hint in error.hint


def test_a_missing_step_lists_the_ten_newest():
    there = {f"model.ckpt-{step}.index": b"" for step in range(100, 1300, 100)}
    error = absent.failure(Listed(there), Wanted(PREFIX, 7))
    assert error.reason == NOT_FOUND
    assert "existing steps: 1200, 1100, 1000, 900, 800, 700, 600, 500, 400, 300, ...." in error.message
    assert "spec.model.checkpoint.step" in error.hint


def test_a_prefix_with_very_many_objects_is_explained_by_its_checkpoints():
    files = {f"events/{number}": b"" for number in range(20)} | ZOO
    error = absent.failure(Listed(files, most=10), LATEST)
    assert "model.ckpt, whose name contains no step" in error.message
