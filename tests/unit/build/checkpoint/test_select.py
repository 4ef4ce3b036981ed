"""Which files form a checkpoint, which checkpoint is the newest, and the errors when files are missing."""

import pytest

from inference_image_build.checkpoint.select import (
    Checkpoint,
    Fault,
    checkpoints,
    incomplete,
    named_step,
    newest_first,
    not_found,
)
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo

PREFIX = "uai/train/"


def listing(*names: str, size: int = 1, modified: int = 0) -> list[ObjectInfo]:
    return [ObjectInfo(PREFIX + name, size, "e", modified=modified) for name in names]


def only(*names: str, step: int = 8) -> Checkpoint:
    return checkpoints(listing(*names), PREFIX)[step]


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
            [
                "model.ckpt-8.index",
                "model.ckpt-8.data-00000-of-00001",
                "model.ckpt-8.index.tmp",
                "model.ckpt-08.meta",
                "x/model.ckpt-8.meta",
            ],
            ["model.ckpt-8.data-00000-of-00001", "model.ckpt-8.index"],
        ),
    ],
    ids=["with meta, other steps left out", "two shards", "strangers ignored"],
)
def test_the_files_of_a_step(names, expected):
    assert [item.key.removeprefix(PREFIX) for item in only(*names).files()] == expected


def test_shards_of_another_training_are_left_out_by_the_index():
    mixed = only(
        "model.ckpt-8.index",
        "model.ckpt-8.meta",
        "model.ckpt-8.data-00000-of-00001",
        "model.ckpt-8.data-00000-of-00002",
        "model.ckpt-8.data-00001-of-00002",
    )
    assert [item.key[len(PREFIX) + 13 :] for item in mixed.files((1,))] == ["data-00000-of-00001", "index", "meta"]
    assert mixed.fault((1,)) is None


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["model.ckpt-8.data-00000-of-00001"], "model.ckpt-8.index"),
        (["model.ckpt-8.index"], "model.ckpt-8.data-00000-of-00001"),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00000-of-00003", "model.ckpt-8.data-00002-of-00003"],
            "model.ckpt-8.data-00001-of-00003",
        ),
        (
            ["model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001", "model.ckpt-8.data-00000-of-00002"],
            "model.ckpt-8.data-00001-of-00002",
        ),
    ],
    ids=["index", "only shard", "shard in the middle", "two totals"],
)
def test_a_missing_file_is_found_from_the_names(names, missing):
    assert only(*names).fault() == Fault(PREFIX + missing, "is missing")


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ((1, 1), None),
        ((1, 1, 1), Fault("uai/train/model.ckpt-8.data-00000-of-00003", "is missing")),
        (
            (1, 2),
            Fault("uai/train/model.ckpt-8.data-00001-of-00002", "has 1 bytes, but its index says 2"),
        ),
        (
            (0, 1),
            Fault("uai/train/model.ckpt-8.data-00000-of-00002", "has 1 bytes, but its index says 0"),
        ),
    ],
    ids=["as the index says", "more shards than files", "one too short", "one too long"],
)
def test_the_index_determines_the_shards(sizes, fault):
    two = only("model.ckpt-8.index", "model.ckpt-8.data-00000-of-00002", "model.ckpt-8.data-00001-of-00002")
    assert two.fault(sizes) == fault


def test_the_newest_file_dates_a_checkpoint():
    parts = [*listing("model.ckpt-8.index", modified=5), *listing("model.ckpt-8.data-00000-of-00001", modified=9)]
    assert checkpoints(parts, PREFIX)[8].modified == 9


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ('model_checkpoint_path: "model.ckpt-800"\nall_model_checkpoint_paths: "model.ckpt-400"\n', 800),
        ('all_model_checkpoint_paths: "model.ckpt-1"\nmodel_checkpoint_path: "/data/output/model.ckpt-20"', 20),
        ('model_checkpoint_path:"model.ckpt-0"', 0),
        ('all_model_checkpoint_paths: "model.ckpt-1"', None),
        ('model_checkpoint_path: "ckpt-800"', None),
        ('model_checkpoint_path: "model.ckpt-8', None),
        ("", None),
    ],
)
def test_the_step_that_a_checkpoint_file_names(text, step):
    assert named_step(text) == step


@pytest.mark.parametrize(
    ("written", "named", "named_at", "order"),
    [
        ({400: 10, 800: 20, 1200: 30}, None, 0, [1200, 800, 400]),
        ({400: 10, 800: 20, 1200: 30}, 1200, 31, [1200, 800, 400]),
        ({400: 10, 800: 20, 1200: 30}, 800, 21, [1200, 800, 400]),
        ({400: 30, 200000: 10}, 400, 31, [400, 200000]),
        ({400: 30, 200000: 10}, 400, 10, [400, 200000]),
        ({400: 10, 800: 20}, 1200, 31, [800, 400]),
        ({400: 40, 800: 20}, 800, 21, [800, 400]),
    ],
    ids=[
        "without the file the highest",
        "the one that the file names",
        "one that came after the file",
        "a restarted training next to an old one",
        "written in the same second",
        "the file names one that is gone",
        "a lower step copied late",
    ],
)
def test_the_newest_comes_first(written, named, named_at, order):
    found = [
        checkpoints(listing(f"model.ckpt-{step}.index", modified=at), PREFIX)[step] for step, at in written.items()
    ]
    assert [checkpoint.step for checkpoint in newest_first(found, named, named_at)] == order


def test_an_incomplete_checkpoint_names_the_file_and_the_remedy():
    fault = Fault(f"{PREFIX}model.ckpt-8.index", "is missing")
    error = incomplete(fault, 61.4)
    assert error.reason == Reason.CHECKPOINT_INCOMPLETE
    assert error.message == (
        "The checkpoint is incomplete: uai/train/model.ckpt-8.index is missing. Resolve waited 61 s for it."
    )
    then = "then set the annotation uai.ucloud.cn/requestedAt to a new value."
    assert error.hint == f"Upload {fault.key}, or wait until the training and its upload end, {then}"
    abandoned = incomplete(fault, 0)
    assert "waited" not in abandoned.message
    assert abandoned.hint == f"Upload {fault.key}, {then}"


def test_a_missing_step_lists_the_ten_newest():
    there = checkpoints(listing(*(f"model.ckpt-{step}.index" for step in range(100, 1300, 100))), PREFIX)
    error = not_found(PREFIX, 7, there.values())
    assert error.reason == Reason.CHECKPOINT_NOT_FOUND
    assert "1200, 1100, 1000, 900, 800, 700, 600, 500, 400, 300, ..." in error.message
    assert "spec.model.checkpoint.step" in error.hint


@pytest.mark.parametrize("step", [8, None], ids=["a step", "the newest"])
def test_no_checkpoint_at_all_blames_the_prefix(step):
    error = not_found(PREFIX, step, [])
    assert error.reason == Reason.CHECKPOINT_NOT_FOUND
    assert "spec.model.prefix" in error.hint
