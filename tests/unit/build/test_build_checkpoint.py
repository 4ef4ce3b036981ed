"""Which files make a checkpoint, and what is said when some are missing."""

import pytest

from inference_image_build.checkpoint import files_of_step
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason

PREFIX = "uai/train/"


def listing(*names: str) -> list[PinnedObject]:
    return [PinnedObject(key=PREFIX + name, size=1, etag="e") for name in names]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["model.ckpt-8.meta", "model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001", "model.ckpt-80.index"],
            ["model.ckpt-8.data-00000-of-00001", "model.ckpt-8.index", "model.ckpt-8.meta"],
        ),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00001-of-00002", "model.ckpt-8.data-00000-of-00002"],
            ["model.ckpt-8.data-00000-of-00002", "model.ckpt-8.data-00001-of-00002", "model.ckpt-8.index"],
        ),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001", "model.ckpt-8.index.tmp", "x/model.ckpt-8.meta"],
            ["model.ckpt-8.data-00000-of-00001", "model.ckpt-8.index"],
        ),
    ],
    ids=["with meta, other steps left out", "two shards", "strangers ignored"],
)
def test_the_files_of_a_step(names, expected):
    assert [item.key.removeprefix(PREFIX) for item in files_of_step(listing(*names), PREFIX, 8)] == expected


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["model.ckpt-8.data-00000-of-00001"], "model.ckpt-8.index"),
        (["model.ckpt-8.index"], "model.ckpt-8.data-00000-of-00001"),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00000-of-00003", "model.ckpt-8.data-00002-of-00003"],
            "data-00001-of",
        ),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001", "model.ckpt-8.data-00000-of-00002"],
            "data-00001-of-00002",
        ),
    ],
    ids=["index", "only shard", "shard in the middle", "two totals"],
)
def test_a_missing_file_is_named_with_the_remedy(names, missing):
    with pytest.raises(StageError) as caught:
        files_of_step(listing(*names), PREFIX, 8)
    assert caught.value.reason == Reason.CHECKPOINT_INCOMPLETE
    assert missing in caught.value.message
    assert missing in caught.value.hint
    assert "uai.ucloud.cn/requestedAt" in caught.value.hint


def test_an_empty_index_is_no_index():
    empty = PinnedObject(key=f"{PREFIX}model.ckpt-8.index", size=0, etag="e")
    with pytest.raises(StageError, match=r"model\.ckpt-8\.index is empty"):
        files_of_step([empty, *listing("model.ckpt-8.data-00000-of-00001")], PREFIX, 8)


def test_another_step_names_the_newest_ten_that_are_there():
    there = listing(*(f"model.ckpt-{step}.index" for step in range(100, 1300, 100)))
    with pytest.raises(StageError) as caught:
        files_of_step(there, PREFIX, 7)
    assert caught.value.reason == Reason.CHECKPOINT_NOT_FOUND
    assert "1200, 1100, 1000, 900, 800, 700, 600, 500, 400, 300, ..." in caught.value.message
    assert "spec.model.checkpoint.step" in caught.value.hint


def test_no_checkpoint_at_all_blames_the_prefix():
    with pytest.raises(StageError) as caught:
        files_of_step([], PREFIX, 8)
    assert caught.value.reason == Reason.CHECKPOINT_NOT_FOUND
    assert "spec.model.prefix" in caught.value.hint
