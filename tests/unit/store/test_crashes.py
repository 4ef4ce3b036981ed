"""Rows 37 to 41 of the fault table, with faults injected by the stand-in."""

import hashlib
import itertools
import logging
import subprocess
import sys

import pytest

from devcluster.ufile import Fault
from devcluster.ufile.storage.disk import About
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_store import Credentials, Progress, Store, TransferTimeouts, Wanted, etag_of
from inference_image_store.transfers.transfer import log
from tests.unit.store.conftest import KEYS

MIB = 1024 * 1024
BLOCK = 4 * MIB
DATA = hashlib.sha256(b"seed").digest() * (10 * MIB // 32)
DEFAULT_TIMEOUTS = TransferTimeouts()


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr("inference_image_store.upload.content.SINGLE_PUT", BLOCK)
    monkeypatch.setattr("inference_image_store.download.download_file.RANGE", BLOCK)


@pytest.fixture
def make(standin):
    """Makes stores with given limits and transfer timeouts."""

    def make(transfer_timeouts=DEFAULT_TIMEOUTS, retries=2, first_pause=0.001, **limits):
        location = UFile(bucket="127", scheme="http", suffix=standin.suffix, **limits)
        keys = Credentials(KEYS[0].public_key, KEYS[0].private_key)
        return Store(
            location,
            keys,
            timeout=(60.0, 60.0),
            retries=retries,
            first_pause=first_pause,
            transfer_timeouts=transfer_timeouts,
        )

    return make


def _wanted(info, target):
    return Wanted(info.key, target, info.etag, info.size)


def _parts_left(standin):
    return list(standin.handler.service.buckets["127"].uploads.iterdir())


def _file(tmp_path, data=DATA):
    path = tmp_path / "source"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("status", "expected"),
    [(403, (Reason.UFILE_FORBIDDEN, ExitCode.FORBIDDEN)), (404, (Reason.OBJECT_NOT_FOUND, ExitCode.NOT_FOUND))],
)
def test_row_37_a_rejection_is_permanent_and_names_key_and_bucket(store, standin, tmp_path, status, expected):
    info = store.write(b"data", "dir/model.ckpt-1.index")
    standin.faults.add(Fault(kind="status", status=status, times=-1))
    before = len(standin.seen)
    with pytest.raises(StageError, match=r"'dir/model\.ckpt-1\.index' in bucket '127'") as failed:
        store.download_all([_wanted(info, tmp_path / "back")])
    assert (failed.value.reason, failed.value.exit_code) == expected
    assert "requestedAt" in failed.value.hint
    assert [key for _, key in standin.seen[before:] if key] == [info.key]
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500, method="GET", times=2),
        Fault(kind="status", status=503, method="GET", times=2),
        Fault(kind="status", status=429, method="GET", times=2),
        Fault(kind="reset", method="GET", times=2),
        Fault(kind="truncate", method="GET", after=MIB, times=2),
    ],
    ids=lambda fault: f"{fault.kind}{fault.status if fault.kind == 'status' else ''}",
)
def test_row_38_a_transient_fault_is_retried(store, standin, tmp_path, fault):
    info = store.upload(_file(tmp_path), "k")
    standin.faults.add(fault)
    store.download_all([_wanted(info, tmp_path / "back")])
    assert (tmp_path / "back").read_bytes() == DATA
    assert standin.faults.planned() == ()


def test_row_38_only_missing_bytes_are_requested_again(store, standin, tmp_path):
    info = store.upload(_file(tmp_path), "k")
    del standin.handler.ranges[:]
    standin.faults.add(Fault(kind="truncate", method="GET", after=MIB))
    store.download_all([_wanted(info, tmp_path / "back")])
    asked = [tuple(map(int, header.removeprefix("bytes=").split("-"))) for header in standin.handler.ranges]
    whole = {(start, min(start + BLOCK, len(DATA)) - 1) for start in range(0, len(DATA), BLOCK)}
    ((start, end),) = set(asked) - whole
    assert (start - start % BLOCK, end) in whole
    assert start % BLOCK == MIB
    assert len(asked) == len(whole) + 1


def test_row_38_one_kilobyte_a_second_is_a_broken_connection(make, standin, tmp_path):
    store = make(TransferTimeouts(window=2.0, floor=64 * 1024))
    info = store.upload(_file(tmp_path), "k")
    standin.faults.add(Fault(kind="slow", method="GET", after=MIB))
    del standin.handler.ranges[:]
    store.download_all([_wanted(info, tmp_path / "back")])
    assert (tmp_path / "back").read_bytes() == DATA
    assert len(standin.handler.ranges) == 4


def test_row_38_endless_one_kilobyte_a_second_is_explained(make, standin, tmp_path):
    store = make(TransferTimeouts(window=0.3, floor=64 * 1024), retries=1)
    info = store.upload(_file(tmp_path), "k")
    standin.faults.add(Fault(kind="slow", method="GET", after=0, times=-1))
    with pytest.raises(StageError, match=r"only \d+ bytes transferred in \d s") as failed:
        store.download_all([_wanted(info, tmp_path / "back")])
    assert failed.value.exit_code is ExitCode.UNAVAILABLE


def test_row_38_a_stall_is_retried(impatient, standin, tmp_path):
    info = impatient.upload(_file(tmp_path), "k")
    standin.faults.add(Fault(kind="stall", method="GET", after=MIB))
    impatient.download_all([_wanted(info, tmp_path / "back")])
    assert (tmp_path / "back").read_bytes() == DATA


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_row_38_a_deadline_ends_all_attempts(make, standin, tmp_path, direction):
    info = make().upload(_file(tmp_path), "k")
    store = make(TransferTimeouts(grace=0.5, rate=10**12), retries=10_000)
    standin.faults.add(Fault(kind="status", status=503, method="GET" if direction == "download" else "PUT", times=-1))
    calls = {
        "download": lambda: store.download_all([_wanted(info, tmp_path / "back")]),
        "upload": lambda: store.upload(_file(tmp_path, DATA[::-1]), "other"),
    }
    with pytest.raises(StageError, match=r"is incomplete after \d s: \d+ of \d+ bytes are transferred") as failed:
        calls[direction]()
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert _parts_left(standin) == []


def test_row_39_a_truncated_object_is_never_published(store, standin, tmp_path):
    info = store.upload(_file(tmp_path), "k")
    (tmp_path / "back").write_bytes(b"what was there")
    standin.faults.add(Fault(kind="truncate", method="GET", after=0, times=-1))
    with pytest.raises(StageError, match="ended early"):
        store.download_all([_wanted(info, tmp_path / "back")])
    assert (tmp_path / "back").read_bytes() == b"what was there"
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("times", [1, -1])
def test_row_39_a_flipped_byte_in_any_range_is_detected(store, standin, tmp_path, times):
    info = store.upload(_file(tmp_path), "k")
    standin.faults.add(Fault(kind="corrupt", method="GET", times=times))
    if times == 1:
        store.download_all([_wanted(info, tmp_path / "back")])
        assert (tmp_path / "back").read_bytes() == DATA
        return
    with pytest.raises(StageError) as failed:
        store.download_all([_wanted(info, tmp_path / "back")])
    assert failed.value.reason is Reason.OBJECT_CORRUPT
    assert not (tmp_path / "back").exists()


def test_row_39_a_corrupt_upload_never_becomes_an_object(store, standin, tmp_path):
    standin.faults.add(Fault(kind="corrupt", method="PUT", parameter="partNumber", times=-1))
    with pytest.raises(StageError, match=r"part \d is stored with ETag"):
        store.upload(_file(tmp_path), "k")
    assert store.find("k") is None
    assert _parts_left(standin) == []


def test_row_39_of_many_objects_only_the_wrong_one_is_fetched_again(store, standin, tmp_path):
    infos = [store.write(f"data {number}".encode(), f"k{number}") for number in range(5)]
    standin.faults.add(Fault(kind="corrupt", method="GET", key="k3"))
    del standin.seen[:]
    store.download_all([_wanted(info, tmp_path / info.key) for info in infos])
    gets = sorted(key for method, key in standin.seen if method == "GET")
    assert gets == ["k0", "k1", "k2", "k3", "k3", "k4"]
    assert [(tmp_path / info.key).read_text() for info in infos] == [f"data {number}" for number in range(5)]


KILLED = """
import os, sys
from pathlib import Path
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store
from inference_image_store.client import wire
from inference_image_store.upload import content
content.SINGLE_PUT = 4 * 1024 * 1024
location = UFile(bucket="127", scheme="http", suffix=sys.argv[1])
store = Store(location, Credentials("CANARY-PUBLIC-KEY", "CANARY-PRIVATE-KEY"))
send, parts = wire.Wire.send, []
def kill_it(self, method, key, **options):
    if method == "PUT":
        parts.append(key)
    if sys.argv[3] == "third part" and len(parts) == 3:
        os._exit(9)
    if sys.argv[3] == "end" and method == "POST" and options.get("query") != "uploads":
        with send(self, method, key, **options):
            os._exit(9)
    return send(self, method, key, **options)
wire.Wire.send = kill_it
store.upload(Path(sys.argv[2]), "k")
"""


def _upload_and_be_killed(standin, path, moment):
    command = [sys.executable, "-c", KILLED, standin.suffix, str(path), moment]
    return subprocess.run(command, env={}, check=False, capture_output=True, timeout=60)


def test_row_40_the_next_upload_aborts_the_parts_of_a_killed_one(store, standin, tmp_path):
    path = _file(tmp_path)
    killed = _upload_and_be_killed(standin, path, "third part")
    assert killed.returncode == 9, killed.stderr
    assert len(_parts_left(standin)) == 1
    assert store.upload(path, "k").etag == etag_of(DATA)
    assert _parts_left(standin) == []


def test_row_40_a_kill_after_the_upload_causes_no_second_upload(store, standin, tmp_path):
    path = _file(tmp_path)
    killed = _upload_and_be_killed(standin, path, "end")
    assert killed.returncode == 9, killed.stderr
    del standin.seen[:]
    assert store.upload(path, "k").etag == etag_of(DATA)
    assert standin.seen == [("HEAD", "k")]


def test_row_40_a_repeated_upload_of_many_files_sends_only_missing_ones(store, standin, tmp_path):
    sources = {}
    for number in range(6):
        path = tmp_path / str(number)
        path.write_bytes(b"%d" % number * 1000)
        sources[f"out/{number}"] = path
    first = store.upload_all(sources, "out/", metadata={"Checkpoint-Step": "7"})
    assert first == {key: store.head(key) for key in sources}
    assert {info.sha256 for info in first.values()} == {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in sources.values()
    }
    records = standin.handler.service.buckets["127"]
    assert [records.get(key).metadata["checkpoint-step"] for key in sources] == ["7"] * 6
    store.delete("out/4")
    store.write(b"something else", "out/5")
    del standin.seen[:]
    assert store.upload_all(sources, "out/") == first
    assert sorted(key for method, key in standin.seen if method == "PUT") == ["out/4", "out/5"]


def test_row_40_an_upload_of_other_content_replaces_the_object(store, tmp_path):
    store.upload(_file(tmp_path), "k")
    changed = DATA[:-1] + b"?"
    assert store.upload(_file(tmp_path, changed), "k").etag == etag_of(changed)


def test_row_41_a_huge_object_is_refused_before_a_byte_is_written(make, standin, tmp_path):
    info = make().upload(_file(tmp_path), "k")
    del standin.seen[:]
    with pytest.raises(StageError, match=r"10485760 bytes, and the maximum is 1000") as failed:
        make(max_bytes=1000).download_all([_wanted(info, tmp_path / "back")])
    assert failed.value.reason is Reason.LIMIT_EXCEEDED
    assert "config.ufile.limits.maxBytes" in failed.value.hint
    assert standin.seen == []
    assert {path.name for path in tmp_path.iterdir()} == {"source", "data"}


def test_row_41_too_many_objects_are_refused_before_a_byte_is_written(make, standin, tmp_path):
    wanted = [Wanted(f"k{number}", tmp_path / str(number), "etag", 1) for number in range(11)]
    with pytest.raises(StageError, match="11 objects, and the maximum is 10") as failed:
        make(max_files=10).download_all(wanted)
    assert "maxFiles" in failed.value.hint
    assert standin.seen == []


def test_row_41_an_object_larger_than_the_disk_is_refused_before_a_byte_is_written(make, standin, tmp_path):
    with pytest.raises(StageError, match=r"no room for download of object 'k'.*it needs \d+ bytes") as failed:
        make(max_bytes=2**62).download_all([Wanted("k", tmp_path / "back", "etag", 2**60)])
    assert failed.value.reason is Reason.LIMIT_EXCEEDED
    assert "ephemeral-storage" in failed.value.hint
    assert standin.seen == []


def test_row_41_a_million_entries_are_not_read(store, standin, monkeypatch):
    monkeypatch.setattr("inference_image_store.client.store._MAX_PAGE", 3)
    for number in range(12):
        store.write(b"", f"many/{number:02}")
    del standin.seen[:]
    with pytest.raises(StageError, match="more than 4 objects"):
        store.list("many/", limit=4)
    assert len(standin.seen) == 2


def test_row_41_an_object_larger_than_its_declared_size(make, standin, tmp_path):
    store = make()
    info = store.write(b"x" * 5000, "k")
    with pytest.raises(StageError) as failed:
        store.download_all([Wanted("k", tmp_path / "back", info.etag, 100)])
    assert failed.value.reason in (Reason.UFILE_UNAVAILABLE, Reason.SOURCE_CHANGED)
    assert list(tmp_path.glob("*back*")) == []


def test_progress_is_reported_while_bytes_move(standin, tmp_path, monkeypatch):
    monkeypatch.setattr("inference_image_store.transfers.parallel.INTERVAL", 0.1)
    said = []
    location = UFile(bucket="127", scheme="http", suffix=standin.suffix)
    keys = Credentials(KEYS[0].public_key, KEYS[0].private_key)
    store = Store(location, keys, report=said.append, transfer_timeouts=TransferTimeouts(window=1.0))
    info = store.upload(_file(tmp_path), "k")
    del said[:]
    standin.faults.add(Fault(kind="slow", method="GET", after=MIB))
    store.download_all([_wanted(info, tmp_path / "back")])
    assert len(said) >= 3
    assert [progress.done for progress in said] == sorted(progress.done for progress in said)
    assert {progress.total for progress in said} == {len(DATA)}
    assert "object 'k' in bucket '127'" in str(said[0])
    assert " MB/s" in str(said[0])


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("download of object 'a\\x1b' in bucket 'b'", "progress: download 3 of 9 bytes"),
        ("upload of 2 objects below 'a/'", "progress: upload 3 of 9 bytes"),
        ("restore of archived objects", "restore of archived objects: 3 of 9 bytes, 0.0 MB/s"),
    ],
)
def test_the_line_of_a_transfer_names_no_key(caplog, what, line):
    caplog.set_level(logging.INFO, "inference_image_store")
    log(Progress(what, 3, 9, 1.0))
    assert caplog.messages == [line]


@pytest.mark.parametrize("words", ["its size only", "its SHA-256"])
def test_objects_from_the_s3_endpoint_are_verified_by_sha256_or_size(store, standin, tmp_path, caplog, words):
    caplog.set_level(logging.WARNING)
    bucket = standin.handler.service.buckets["127"]
    path = _file(tmp_path)
    copy = tmp_path / "copy"
    copy.write_bytes(DATA)
    etag = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    sums = {"sha256": hashlib.sha256(DATA).hexdigest()} if words == "its SHA-256" else {}
    bucket.adopt("k", copy, etag, About(metadata=sums))
    store.download("k", tmp_path / "back", etag=etag, size=len(DATA))
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    assert f"object 'k' in bucket '127' was not computed by UFile: verified by {words}" in caplog.text
    standin.faults.add(Fault(kind="corrupt", method="GET", times=-1))
    if words == "its SHA-256":
        with pytest.raises(StageError, match="SHA-256"):
            store.download("k", tmp_path / "back")


def test_a_small_object_from_the_s3_endpoint_is_verified_by_its_sha256(store, standin):
    bucket = standin.handler.service.buckets["127"]
    with bucket.receive() as incoming:
        incoming.write(b"data")
        incoming.close()
        etag = hashlib.md5(b"data", usedforsecurity=False).hexdigest()
        bucket.adopt("k", incoming.path, etag, About(metadata={"sha256": "0" * 64}))
    with pytest.raises(StageError, match="SHA-256") as failed:
        store.read("k", max_bytes=100)
    assert failed.value.reason is Reason.OBJECT_CORRUPT


def test_an_upload_aborted_by_another_client_starts_again(store, standin, tmp_path, monkeypatch):
    bucket = standin.handler.service.buckets["127"]
    send = store._wire.send
    count = itertools.count()

    def end_it_at_the_second_part(method, key, **options):
        if method == "PUT" and next(count) == 1:
            for upload in bucket.uploads.iterdir():
                bucket_abort(store, upload.name)
        return send(method, key, **options)

    def bucket_abort(store, upload_id):
        with send("DELETE", "k", query=f"uploadId={upload_id}"):
            pass

    monkeypatch.setattr(store._wire, "send", end_it_at_the_second_part)
    assert store.upload(_file(tmp_path), "k").etag == etag_of(DATA)
    assert _parts_left(standin) == []


@pytest.mark.parametrize(("age", "ended"), [(-60.0, 2), (3600.0, 0)], ids=["old", "young"])
def test_stale_uploads_below_a_prefix_are_aborted(store, standin, age, ended):
    for key in ("out/a", "out/b", "elsewhere/a"):
        with store._wire.send("POST", key, query="uploads"):
            pass
    assert store.abort_stale_uploads("out/", age) == ended
    assert len(_parts_left(standin)) == 3 - ended
