"""Copies above 100 MB go in parts (US3 documents: API copy.md): verified, retried, no leftover parts."""

import hashlib

import pytest

from devcluster.ufile import Fault
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_store.upload import copying

MIB = 1024 * 1024
DATA = hashlib.sha256(b"graph").digest() * (9 * MIB // 32) + b"the last, short part"


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Lowers the limits of both sides, so that a copy of three parts exceeds them."""
    monkeypatch.setattr("inference_image_store.upload.copying.MAX_COPY", 8 * MIB)
    monkeypatch.setattr("devcluster.ufile.storage.copying.MAX_COPY", 8 * MIB)


@pytest.fixture
def source(store):
    return store.write(DATA, "in/源 a+b.pb")


def _parts_left(standin):
    return list(standin.service.buckets["127"].uploads.iterdir())


def test_the_limit_is_the_documented_one(monkeypatch):
    monkeypatch.undo()
    assert copying.MAX_COPY == 100_000_000


def test_a_graph_of_the_tutorials_size_reaches_its_plain_key(store, tmp_path, monkeypatch):
    """192 MB with the real limits: the stand-in rejects such a Copy."""
    monkeypatch.undo()
    with (tmp_path / "graph.pb").open("wb") as file:
        for number in range(192):
            file.write(bytes([number]) * 1_000_000)
    source = store.upload(tmp_path / "graph.pb", "out/f/frozen_inference_graph.pb")
    copied = store.copy(source.key, "out/frozen_inference_graph.pb")
    assert (copied.size, copied.etag, copied.sha256) == (192_000_000, source.etag, source.sha256)


def test_a_large_object_is_copied_in_parts_with_its_metadata(store, standin, source):
    before = len(standin.seen)
    copied = store.copy(source.key, "out/graph.pb", metadata={"Checkpoint-Step": "900"})
    assert (copied.size, copied.etag, copied.sha256) == (source.size, source.etag, source.sha256)
    assert store.read("out/graph.pb", max_bytes=len(DATA)) == DATA
    record = standin.service.buckets["127"].get("out/graph.pb")
    assert record.metadata["checkpoint-step"] == "900"
    asked = [method for method, key in standin.seen[before:] if key == "out/graph.pb"]
    assert asked[:5] == ["POST", "PUT", "PUT", "PUT", "POST"]


def test_an_object_at_the_limit_is_copied_in_one_request(store, standin):
    store.write(DATA[: 8 * MIB], "in")
    before = len(standin.seen)
    store.copy("in", "out")
    assert [method for method, key in standin.seen[before:] if key == "out"] == ["PUT", "HEAD"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", method="PUT", key="out", parameter="partNumber", times=2),
        Fault(kind="reset", method="PUT", key="out", parameter="partNumber"),
        Fault(kind="lose_reply", method="PUT", key="out", parameter="partNumber", times=2),
        Fault(kind="lose_reply", method="POST", key="out", parameter="uploadId"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.parameter}",
)
def test_a_failed_request_is_retried(store, standin, source, fault):
    standin.faults.add(fault)
    assert store.copy(source.key, "out").etag == source.etag
    assert not standin.faults.planned()
    assert not _parts_left(standin)


def test_a_copy_that_fails_leaves_no_parts_behind(store, standin, source):
    standin.faults.add(Fault(kind="status", method="PUT", key="out", parameter="partNumber", times=-1))
    with pytest.raises(StageError) as failed:
        store.copy(source.key, "out")
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert not _parts_left(standin)
    assert store.find("out") is None


def test_the_next_copy_aborts_an_upload_left_by_a_crash(store, standin, source):
    with store._wire.send("POST", "out", query="uploads"):
        assert len(_parts_left(standin)) == 1
    store.copy(source.key, "out")
    assert not _parts_left(standin)


def test_a_copy_with_other_bytes_is_repeated(store, standin, source, monkeypatch):
    real, wrong = store._copier._in_parts, iter([True])

    def once_wrong(transfer, info, key, headers):
        if next(wrong, False):
            store.write(b"other", key)
        else:
            real(transfer, info, key, headers)

    monkeypatch.setattr(store._copier, "_in_parts", once_wrong)
    assert store.copy(source.key, "out").etag == source.etag
