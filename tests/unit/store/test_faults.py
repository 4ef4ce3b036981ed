"""The store against a stand-in with faults: retries, detection, leftovers."""

import itertools

import pytest
from ufile import config as ufile_config

from devcluster.lib import ports
from devcluster.ufile import Fault
from devcluster.ufile.storage.disk import About
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_store import etag_of
from inference_image_store.upload import sending
from inference_image_store.wire_errors import describe

MIB = 1024 * 1024
DATA = bytes(range(256)) * 4096  # 1 MiB
ATTEMPTS = 3


@pytest.fixture(autouse=True)
def _small_multipart(monkeypatch):
    monkeypatch.setattr("inference_image_store.upload.content.SINGLE_PUT", 4 * MIB)


def _left_over(folder):
    return [path.name for path in folder.iterdir() if path.is_file()]


PASSING = [
    Fault(kind="status", status=503, times=2),
    Fault(kind="status", status=500, times=2),
    Fault(kind="status", status=429, times=2),
    Fault(kind="reset", times=2),
    Fault(kind="lose_reply", times=2),
]
CALLS = {
    "find": lambda store, _: store.find("k"),
    "list": lambda store, _: store.list("", limit=9),
    "read": lambda store, _: store.read("k", max_bytes=MIB),
    "download": lambda store, path: store.download("k", path / "back"),
    "write": lambda store, _: store.write(b"new", "k"),
    "copy": lambda store, _: store.copy("k", "other"),
    "delete": lambda store, _: store.delete("k"),
}


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}{fault.status}")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_transient_fault_is_retried(store, standin, tmp_path, call, fault):
    store.write(DATA, "k")
    standin.faults.add(fault)
    call(store, tmp_path)
    assert standin.faults.planned() == ()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_lasting_fault_is_unavailable(store, standin, tmp_path, call):
    store.write(DATA, "k")
    del standin.seen[:]
    standin.faults.add(Fault(kind="status", status=503, times=-1))
    with pytest.raises(StageError, match=r"503.*in each of 3 attempts") as failed:
        call(store, tmp_path)
    assert (failed.value.reason, failed.value.exit_code) == (Reason.UFILE_UNAVAILABLE, ExitCode.UNAVAILABLE)
    assert len(standin.seen) == ATTEMPTS
    assert _left_over(tmp_path) == []


@pytest.mark.parametrize("call", [CALLS["list"], CALLS["write"], CALLS["delete"]], ids=["list", "write", "delete"])
def test_half_a_json_document_is_a_malformed_reply(store, standin, tmp_path, call):
    store.write(DATA, "k")
    standin.faults.add(Fault(kind="bad_json"))
    call(store, tmp_path)
    assert standin.faults.planned() == ()


def test_a_truncated_download_resumes_where_it_stopped(store, standin, tmp_path):
    store.write(DATA, "k")
    standin.faults.add(Fault(kind="truncate", method="GET", after=1000, times=2))
    store.download("k", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == DATA
    assert [method for method, _ in standin.seen].count("GET") == ATTEMPTS


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_stalled_request_times_out(impatient, standin, tmp_path, call):
    impatient.write(DATA, "k")
    standin.faults.add(Fault(kind="stall"))
    call(impatient, tmp_path)
    assert standin.faults.planned() == ()


def test_a_stalled_download_resumes_where_it_stopped(impatient, standin, tmp_path):
    impatient.write(DATA, "k")
    standin.faults.add(Fault(kind="stall", method="GET"))
    impatient.download("k", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == DATA


def test_a_download_that_is_always_truncated_leaves_the_target_unchanged(store, standin, tmp_path):
    store.write(DATA, "k")
    (tmp_path / "back").write_bytes(b"old")
    standin.faults.add(Fault(kind="truncate", method="GET", after=0, times=-1))
    with pytest.raises(StageError, match="ended early") as failed:
        store.download("k", tmp_path / "back")
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert (tmp_path / "back").read_bytes() == b"old"
    assert _left_over(tmp_path) == ["back"]


@pytest.mark.parametrize("call", ["read", "download"])
def test_a_flipped_byte_is_detected_and_fetched_again(store, standin, tmp_path, call):
    store.write(DATA, "k")
    standin.faults.add(Fault(kind="corrupt", method="GET"))
    CALLS[call](store, tmp_path)
    assert [method for method, _ in standin.seen].count("GET") == 2


@pytest.mark.parametrize("call", ["read", "download"])
def test_an_object_that_is_always_wrong_is_corrupt(store, standin, tmp_path, call):
    store.write(DATA, "k")
    standin.faults.add(Fault(kind="corrupt", method="GET", times=-1))
    with pytest.raises(StageError, match=r"object 'k'.*ETag") as failed:
        CALLS[call](store, tmp_path)
    assert failed.value.reason is Reason.OBJECT_CORRUPT
    assert "Upload the object again" in failed.value.hint
    assert _left_over(tmp_path) == []


@pytest.mark.parametrize("data", [DATA, b""], ids=["bytes", "an empty object"])
def test_the_sha256_detects_wrong_bytes_with_a_correct_etag(store, standin, tmp_path, data):
    bucket = standin.handler.service.buckets["127"]
    with bucket.receive() as incoming:
        incoming.write(data)
        bucket.commit("k", incoming, About(metadata={"sha256": "0" * 64}))
    with pytest.raises(StageError, match="SHA-256") as failed:
        store.download("k", tmp_path / "back")
    assert failed.value.reason is Reason.OBJECT_CORRUPT


def test_an_object_replaced_during_its_download(store, standin, tmp_path, monkeypatch):
    monkeypatch.setattr("inference_image_store.download.download_file.RANGE", 1000)
    store.write(DATA, "k")
    send = store._wire.send
    count = itertools.count()

    def replace_after_the_second_range(method, key, **options):
        if method == "GET" and next(count) == 2:
            store.write(DATA[::-1], "k")
        return send(method, key, **options)

    monkeypatch.setattr(store._wire, "send", replace_after_the_second_range)
    with pytest.raises(StageError) as failed:
        store.download("k", tmp_path / "back")
    assert failed.value.reason is Reason.SOURCE_CHANGED
    assert _left_over(tmp_path) == []


def test_bytes_corrupted_during_an_upload_are_sent_again(store, standin):
    standin.faults.add(Fault(kind="corrupt", method="PUT"))
    assert store.write(DATA, "k").etag == etag_of(DATA)
    assert store.read("k", max_bytes=MIB) == DATA


LARGE = DATA * 9


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="lose_reply", method="PUT", parameter="partNumber", times=2),  # stored, then rejected as a duplicate
        Fault(kind="status", method="PUT", parameter="partNumber", times=2),
        Fault(kind="reset", method="PUT", parameter="partNumber"),
        Fault(kind="corrupt", method="PUT", parameter="partNumber"),  # only a new upload repairs it
        Fault(kind="bad_json", method="PUT", parameter="partNumber"),
        Fault(kind="lose_reply", method="POST", parameter="uploadId"),  # the object exists nevertheless
        Fault(kind="bad_json", method="POST", parameter="uploadId"),
        Fault(kind="bad_json", method="POST", parameter="uploads"),
        Fault(kind="status", method="POST", parameter="uploads", times=2),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}-{fault.parameter}",
)
def test_a_multipart_upload_survives(store, standin, large, fault):
    standin.faults.add(fault)
    info = store.upload(large, "k")
    assert standin.faults.planned() == ()
    assert (info.size, info.etag) == (len(LARGE), etag_of(LARGE))
    assert store.read("k", max_bytes=len(LARGE)) == LARGE


@pytest.mark.parametrize("parameter", ["partNumber", "uploadId"])
def test_a_multipart_upload_that_fails_leaves_no_parts_and_no_object(store, standin, large, parameter):
    method = "PUT" if parameter == "partNumber" else "POST"
    standin.faults.add(Fault(kind="status", method=method, parameter=parameter, times=-1))
    with pytest.raises(StageError, match="503") as failed:
        store.upload(large, "k")
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    standin.faults.clear()
    assert store.find("k") is None
    assert list(standin.handler.service.buckets["127"].uploads.iterdir()) == []


@pytest.fixture(params=["refuses the connection", "does not resolve"])
def dead_end(request, monkeypatch):
    """An unreachable endpoint, and the words of its message."""
    monkeypatch.setenv("NO_PROXY", "*")
    (port,) = ports.reserve(1)
    where = {"refuses the connection": ("127", f".0.0.1:{port}"), "does not resolve": ("bucket", ".nowhere.invalid")}
    bucket, suffix = where[request.param]
    return UFile(bucket=bucket, scheme="http", suffix=suffix), request.param


@pytest.mark.parametrize("call", [CALLS["find"], CALLS["list"]], ids=["own request", "the SDK's"])
def test_an_unreachable_endpoint_is_explained(connect, dead_end, tmp_path, call):
    location, words = dead_end
    with pytest.raises(StageError, match=words) as failed:
        call(connect(location=location), tmp_path)
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert "spec.ufile" in failed.value.hint


@pytest.mark.parametrize("call", [CALLS["find"], CALLS["list"]], ids=["own request", "the SDK's"])
def test_a_server_that_stops_responding_is_explained(giving_up, standin, tmp_path, call):
    standin.faults.add(Fault(kind="stall", times=-1))
    with pytest.raises(StageError, match="stopped responding"):
        call(giving_up, tmp_path)


@pytest.mark.parametrize("what", ["put", "copy"])
def test_an_object_overwritten_before_verification_is_sent_again(store, monkeypatch, what):
    store.write(DATA, "source")
    owner = {"put": sending, "copy": store._sdk}[what]
    call = getattr(owner, what)

    def interfere(*arguments, **options):
        monkeypatch.setattr(owner, what, call)
        call(*arguments, **options)
        store.write(b"somebody else's", "k")

    monkeypatch.setattr(owner, what, interfere)
    info = store.write(DATA, "k") if what == "put" else store.copy("source", "k")
    assert info.etag == etag_of(DATA)
    assert store.read("k", max_bytes=MIB) == DATA


def test_both_clients_wait_equally_long(connect, impatient):
    for store, seconds in ((connect(), 60.0), (impatient, 0.5)):
        own = store._wire._pool.connection_pool_kw["timeout"]
        assert (own.total, own.connect_timeout, own._read) == (None, 60.0, seconds)
        assert store._sdk._timeout == (60.0, seconds)


def test_the_sdks_global_settings_are_those_of_the_calling_store(store, impatient):
    for caller, seconds in ((store, 60.0), (impatient, 0.5), (store, 60.0)):
        caller.list("", limit=1)
        assert ufile_config.get_default("connection_timeout") == (60.0, seconds)
        assert ufile_config.get_default("open_ssl") is False


def test_an_unknown_network_error_names_its_exception():
    assert describe(ConnectionResetError()) == "the connection broke (ConnectionResetError)"
