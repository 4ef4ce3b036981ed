"""Resolve pins a complete checkpoint, the requested or the newest one, and waits for one that is being written."""

import threading

import pytest

from inference_image_build.checkpoint.pin import WaitPolicy, pin
from inference_image_build.checkpoint.select import Wanted
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.image_tables import entry, header, index, table

TRAIN = "uai/object-train-output/"
AT_ONCE = WaitPolicy(limit=0, quiet=0, pause=0)
PATIENT = WaitPolicy(limit=20, quiet=10, pause=0.01)
OLD = WaitPolicy(limit=20, quiet=10, pause=0.01, abandoned=0)
"""Every incomplete checkpoint counts as abandoned."""


@pytest.fixture
def write(store):
    """write(step, *sizes) uploads a complete checkpoint, without the files whose names contain one of `left_out`."""

    def upload(step: int, *sizes: int, left_out: str = "none") -> None:
        files = {"index": index(*sizes)}
        files |= {f"data-{n:05}-of-{len(sizes):05}": b"w" * size for n, size in enumerate(sizes)}
        for name, data in files.items():
            if left_out not in name:
                store.write(data, f"{TRAIN}model.ckpt-{step}.{name}")

    return upload


def name(store, step: int) -> None:
    store.write(f'model_checkpoint_path: "/data/output/model.ckpt-{step}"\n'.encode(), f"{TRAIN}checkpoint")


def test_all_shards_of_a_step_are_pinned(store, write):
    write(800, 10, 20, 30)
    found = pin(store, Wanted(TRAIN, 800), AT_ONCE)
    assert [(item.key.removeprefix(f"{TRAIN}model.ckpt-800."), item.size) for item in found.files] == [
        ("data-00000-of-00003", 10),
        ("data-00001-of-00003", 20),
        ("data-00002-of-00003", 30),
        ("index", len(index(10, 20, 30))),
    ]


def test_without_a_checkpoint_file_the_newest_is_the_highest_step(store, write):
    for step in (900, 1000, 99):
        write(step, 10)
    assert pin(store, Wanted(TRAIN, None), AT_ONCE).step == 1000


def test_the_newest_is_the_one_that_the_checkpoint_file_names(store, write):
    for step in (900, 200_000):
        write(step, 10)
    name(store, 900)
    assert pin(store, Wanted(TRAIN, None), AT_ONCE).step == 900


@pytest.mark.parametrize("text", [b'model_checkpoint_path: "model.ckpt-1200"', b""])
def test_a_useless_checkpoint_file_does_no_harm(store, write, text):
    """It names a step that the training pruned, or none."""
    for step in (900, 1000):
        write(step, 10)
    store.write(text, f"{TRAIN}checkpoint")
    assert pin(store, Wanted(TRAIN, None), AT_ONCE).step == 1000


def test_an_unreadable_checkpoint_file_is_refused(store, write):
    """The highest step may belong to another training."""
    write(900, 10)
    store.write(b"\xff\x00", f"{TRAIN}checkpoint")
    with pytest.raises(StageError) as caught:
        pin(store, Wanted(TRAIN), AT_ONCE)
    assert caught.value.reason == Reason.CHECKPOINT_STATE_INVALID
    assert pin(store, Wanted(TRAIN, 900), AT_ONCE).step == 900


@pytest.mark.parametrize(
    "text",
    [
        b'model_checkpoint_path: "D:\\\\work\\\\run2\\\\model.ckpt-800"\r\n',
        b'model_checkpoint_path: "/work/run2/model.ckpt-800"\n',
    ],
    ids=["Windows", "Linux"],
)
def test_the_higher_step_of_an_old_run_is_not_the_newest(store, write, text):
    for step in (5000, 800):
        write(step, 10)
    store.write(text, f"{TRAIN}checkpoint")
    assert pin(store, Wanted(TRAIN), AT_ONCE).step == 800


def test_only_an_old_run_is_no_substitute_for_what_the_checkpoint_file_names(store, write):
    write(5000, 10)
    name(store, 800)
    with pytest.raises(StageError) as caught:
        pin(store, Wanted(TRAIN), AT_ONCE)
    assert caught.value.message == (
        f"{TRAIN}checkpoint names model.ckpt-800 as the newest checkpoint, which is not there; existing steps: 5000."
    )
    assert "spec.model.checkpoint.step" in caught.value.hint


def test_a_checkpoint_without_a_step_is_pinned_by_its_name(store):
    for part, data in {"index": index(10), "data-00000-of-00001": b"w" * 10, "meta": b"graph"}.items():
        store.write(data, f"{TRAIN}model.ckpt.{part}")
    found = pin(store, Wanted(TRAIN, name="model.ckpt"), AT_ONCE)
    assert (found.name, found.step, found.model_bytes) == ("model.ckpt", None, 10)
    assert [item.key.removeprefix(TRAIN) for item in found.files] == [
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
    ]


def test_a_checkpoint_of_tensorflow_2_is_refused_whatever_its_name(store):
    write_object_based(store, f"{TRAIN}model.ckpt-7")
    for wanted in (Wanted(TRAIN), Wanted(TRAIN, 7), Wanted(TRAIN, name="model.ckpt-7")):
        with pytest.raises(StageError) as caught:
            pin(store, wanted, AT_ONCE)
        assert caught.value.reason == Reason.CHECKPOINT_UNSUPPORTED


def write_object_based(store, name: str) -> None:
    names = (b"_CHECKPOINTABLE_OBJECT_GRAPH", b"model/conv/kernel/.ATTRIBUTES/VARIABLE_VALUE")
    store.write(table([[(b"", header(1)), *((name, entry(0, 0, 10)) for name in names)]]), f"{name}.index")
    store.write(b"w" * 10, f"{name}.data-00000-of-00001")


@pytest.mark.parametrize("left_out", ["index", "data-00001-of-00002"])
def test_a_newer_abandoned_checkpoint_is_skipped(store, write, left_out):
    write(900, 10)
    write(1000, 10, 10, left_out=left_out)
    name(store, 1000)
    assert pin(store, Wanted(TRAIN, None), OLD).step == 900


def test_a_newer_truncated_checkpoint_is_skipped(store, write):
    write(900, 10)
    write(1000, 10)
    store.write(b"w" * 9, f"{TRAIN}model.ckpt-1000.data-00000-of-00001")
    assert pin(store, Wanted(TRAIN, None), OLD).step == 900


@pytest.mark.parametrize("left_out", ["index", "data-00001-of-00002"])
@pytest.mark.parametrize("step", [1000, None], ids=["a step", "the newest"])
def test_resolve_waits_for_a_checkpoint_that_is_being_written(store, write, left_out, step, capfd):
    write(900, 10)
    write(1000, 10, 10, left_out=left_out)
    listed = threading.Event()
    unwatched = store.list

    def watched(prefix: str, *, limit: int):
        found = unwatched(prefix, limit=limit)
        listed.set()
        return found

    store.list = watched

    def finish() -> None:
        assert listed.wait(10)
        write(1000, 10, 10)

    training = threading.Thread(target=finish)
    training.start()
    found = pin(store, Wanted(TRAIN, step), PATIENT)
    training.join()
    assert (found.step, len(found.files)) == (1000, 3)
    assert f"model.ckpt-1000.{left_out} is missing; waiting" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("wait_policy", "waited"),
    [
        (WaitPolicy(limit=9, quiet=0.05, pause=0.01), True),
        (WaitPolicy(limit=0.05, quiet=9, pause=0.01), True),
        (OLD, False),
    ],
    ids=["nothing came for a while", "the limit", "abandoned"],
)
@pytest.mark.parametrize("step", [1000, None], ids=["a step", "the newest"])
def test_a_checkpoint_that_stays_incomplete_is_reported(store, write, step, wait_policy, waited):
    write(1000, 10, 10, left_out="data-00001-of-00002")
    with pytest.raises(StageError) as caught:
        pin(store, Wanted(TRAIN, step), wait_policy)
    assert caught.value.reason == Reason.CHECKPOINT_INCOMPLETE
    assert "model.ckpt-1000.data-00001-of-00002 is missing" in caught.value.message
    assert ("Resolve waited" in caught.value.message) is waited


def test_an_invalid_index_is_reported(store, write):
    write(1000, 10)
    store.write(b"half an ind", f"{TRAIN}model.ckpt-1000.index")
    with pytest.raises(StageError, match=r"model\.ckpt-1000\.index does not end with the magic number of an index"):
        pin(store, Wanted(TRAIN, 1000), AT_ONCE)


def test_with_a_compressed_index_file_names_decide(store, write):
    write(1000, 10, 20)
    store.write(index(10, 20, compression=1), f"{TRAIN}model.ckpt-1000.index")
    assert len(pin(store, Wanted(TRAIN, None), AT_ONCE).files) == 3


@pytest.mark.parametrize("step", [7, None], ids=["a step", "the newest"])
def test_without_any_checkpoint_resolve_does_not_wait(store, step):
    with pytest.raises(StageError) as caught:
        pin(store, Wanted(TRAIN, step), PATIENT)
    assert caught.value.reason == Reason.CHECKPOINT_NOT_FOUND


@pytest.mark.parametrize("reason", [Reason.OBJECT_NOT_FOUND, Reason.SOURCE_CHANGED])
def test_a_checkpoint_pruned_during_the_read_is_replaced_by_the_next(store, write, reason):
    """The training removes the older one and writes a newer one between the listing and the read."""
    write(900, 10)
    unspied = store.read

    def pruned(key: str, *, max_bytes: int, etag: str = "") -> bytes:
        store.read = unspied
        for part in ("index", "data-00000-of-00001"):
            store.delete(f"{TRAIN}model.ckpt-900.{part}")
        write(1000, 10)
        raise StageError(reason, f"{key} is gone", "")

    store.read = pruned
    assert pin(store, Wanted(TRAIN, None), PATIENT).step == 1000


@pytest.mark.parametrize("reason", [Reason.OBJECT_NOT_FOUND, Reason.SOURCE_CHANGED])
def test_a_checkpoint_file_that_is_being_written_is_not_needed(store, write, reason):
    write(900, 10)
    write(1000, 10)
    name(store, 900)
    unspied = store.read

    def moved(key: str, *, max_bytes: int, etag: str = "") -> bytes:
        if key.endswith("/checkpoint"):
            raise StageError(reason, f"{key} is another", "")
        return unspied(key, max_bytes=max_bytes, etag=etag)

    store.read = moved
    assert pin(store, Wanted(TRAIN, None), PATIENT).step == 1000


@pytest.mark.parametrize("unreadable", ["checkpoint", "model.ckpt-900.index"])
def test_a_failing_object_store_is_not_an_incomplete_checkpoint(store, write, unreadable):
    write(900, 10)
    name(store, 900)
    unspied = store.read

    def down(key: str, *, max_bytes: int, etag: str = "") -> bytes:
        if key.endswith(unreadable):
            raise StageError(Reason.UFILE_UNAVAILABLE, "down", "")
        return unspied(key, max_bytes=max_bytes, etag=etag)

    store.read = down
    with pytest.raises(StageError, match="down"):
        pin(store, Wanted(TRAIN, None), PATIENT)
