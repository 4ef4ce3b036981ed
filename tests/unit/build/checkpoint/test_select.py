"""Which files form a checkpoint, which checkpoint is the newest, and the errors when files are missing."""

import pytest

from inference_image_build.checkpoint.select import (
    Checkpoint,
    Fault,
    Wanted,
    candidates,
    checkpoints,
    incomplete,
    newest_first,
)
from inference_image_contract.reasons import Reason
from inference_image_store import ObjectInfo

PREFIX = "uai/train/"


def listing(*names: str, size: int = 1, modified: int = 0) -> list[ObjectInfo]:
    return [ObjectInfo(PREFIX + name, size, "e", modified=modified) for name in names]


def only(*names: str, name: str = "model.ckpt-8") -> Checkpoint:
    return checkpoints(listing(*names), PREFIX)[name]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["model.ckpt-8.meta", "model.ckpt-8.index", "model.ckpt-8.data-00000-of-00001", "model.ckpt-80.index"],
            ["model.ckpt-8.data-00000-of-00001", "model.ckpt-8.index"],
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
    ids=["without meta and other steps", "two shards", "strangers ignored"],
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
    assert [item.key[len(PREFIX) + 13 :] for item in mixed.files((1,))] == ["data-00000-of-00001", "index"]
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
    assert only(*names).fault() == Fault(PREFIX + missing, "is missing", missing=True)


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ((1, 1), None),
        ((1, 1, 1), Fault("uai/train/model.ckpt-8.data-00000-of-00003", "is missing", missing=True)),
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
    assert checkpoints(parts, PREFIX)["model.ckpt-8"].modified == 9


@pytest.mark.parametrize(
    ("written", "named", "named_at", "order"),
    [
        ({400: 10, 800: 20, 1200: 30}, "", 0, [1200, 800, 400]),
        ({400: 10, 800: 20, 1200: 30}, "model.ckpt-1200", 31, [1200, 800, 400]),
        ({400: 10, 800: 20, 1200: 30}, "model.ckpt-800", 21, [1200, 800, 400]),
        ({400: 30, 200000: 10}, "model.ckpt-400", 31, [400]),
        ({400: 30, 200000: 10}, "model.ckpt-400", 10, [400]),
        ({400: 10, 800: 20}, "model.ckpt-1200", 31, [800, 400]),
        ({400: 40, 800: 20}, "model.ckpt-800", 21, [800, 400]),
        ({5000: 10}, "model.ckpt-800", 21, []),
        ({5000: 30}, "model.ckpt-800", 21, [5000]),
        ({800: 30, 900: 31}, "model.ckpt-800", 29, [800]),
        ({400: 10, 800: 20}, "ckpt-5", 21, []),
        ({400: 10, 800: 30}, "model.ckpt", 21, [800]),
    ],
    ids=[
        "without the file the highest",
        "the one that the file names",
        "one that came after the file",
        "a new training beside an old one",
        "written in the same second",
        "the file names one that is gone",
        "a lower step copied late",
        "only another training is there",
        "the file is late, and the one that it names is pruned",
        "an upload that began with the file",
        "the newest is of another kind",
        "steps that follow another kind",
    ],
)
def test_the_newest_comes_first(written, named, named_at, order):
    found = [
        checkpoints(listing(f"model.ckpt-{step}.index", modified=at), PREFIX)[f"model.ckpt-{step}"]
        for step, at in written.items()
    ]
    assert [checkpoint.step for checkpoint in newest_first(found, named, named_at)] == order


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(PREFIX), ["model.ckpt-800", "model.ckpt-8"]),
        (Wanted(PREFIX, 8), ["model.ckpt-8"]),
        (Wanted(PREFIX, name="model.ckpt"), ["model.ckpt"]),
        (Wanted(PREFIX, name="best"), ["best"]),
        (Wanted(PREFIX, 9), []),
        (Wanted(PREFIX, name="ckpt"), []),
    ],
)
def test_the_spec_selects(wanted, names):
    there = checkpoints(
        listing("model.ckpt-8.index", "model.ckpt-800.index", "model.ckpt.index", "best.index", "x/best.index"), PREFIX
    )
    assert [each.name for each in candidates(there, wanted)] == names


def test_an_incomplete_checkpoint_names_the_file_and_the_remedy():
    fault = Fault(f"{PREFIX}model.ckpt-8.index", "is missing", missing=True)
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


def test_wrong_bytes_are_damage():
    error = incomplete(Fault(f"{PREFIX}model.ckpt-8.index", "has 1 bytes, but its index says 2"), 61.4)
    assert error.reason == Reason.CHECKPOINT_DAMAGED
    assert error.message == (
        "The checkpoint is damaged: uai/train/model.ckpt-8.index has 1 bytes, but its index says 2. "
        "Resolve waited 61 s for it."
    )
    assert error.hint.startswith(
        "Upload all files of this checkpoint again, or choose another in spec.model.checkpoint"
    )
