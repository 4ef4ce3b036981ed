"""The store against the stand-in without faults."""

import hashlib

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devcluster.ufile import Fault, running
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import UFile
from inference_image_contract.reasons import Reason
from inference_image_store import Credentials, ObjectInfo, Store, etag_of
from inference_image_store.client.keys import check_key
from inference_image_store.upload.content import SINGLE_PUT, OnDisk
from tests.unit.store.conftest import KEYS

MIB = 1024 * 1024


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_a_written_object_has_its_checksums(store):
    data = b"graph" * 100
    expected = ObjectInfo("dir/a.pb", 500, etag_of(data), _sha256(data))
    assert store.write(data, "dir/a.pb") == store.head("dir/a.pb") == store.find("dir/a.pb") == expected
    assert store.read("dir/a.pb", max_bytes=500, etag=expected.etag) == data


def test_an_empty_object(store, tmp_path):
    assert store.write(b"", "empty").size == 0
    assert store.read("empty", max_bytes=0) == b""
    store.download("empty", tmp_path / "back", size=0)
    assert (tmp_path / "back").read_bytes() == b""


def test_an_absent_object(store):
    assert store.find("absent") is None
    store.delete("absent")
    for call in (store.head, lambda key: store.read(key, max_bytes=1), lambda key: store.copy(key, "k")):
        with pytest.raises(StageError, match=r"object 'absent' in bucket '127'") as failed:
            call("absent")
        assert failed.value.reason is Reason.OBJECT_NOT_FOUND


def test_upload_and_download_of_a_file(store, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"d" * (5 * MIB + 3))
    target.write_bytes(b"what was there")
    info = store.upload(source, "k")
    assert store.download("k", target, etag=info.etag, size=info.size) == info
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode == source.stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"source", "target", "data"}


def test_a_download_in_several_ranges(store, standin, tmp_path, monkeypatch):
    monkeypatch.setattr("inference_image_store.download.download_file.RANGE", 4 * MIB)
    store.write(bytes(range(256)) * (9 * MIB // 256), "k")
    del standin.seen[:]
    store.download("k", tmp_path / "back")
    assert [method for method, _ in standin.seen] == ["HEAD", "GET", "GET", "GET"]
    assert etag_of(tmp_path / "back") == store.head("k").etag


def test_a_large_file_goes_in_parts(store, standin, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x" * (SINGLE_PUT + 1))
    info = store.upload(source, "large")
    assert (info.size, info.etag) == (SINGLE_PUT + 1, etag_of(source))
    assert info.sha256 == _sha256(source.read_bytes())
    assert [method for method, _ in standin.seen] == ["HEAD", "GET", "POST", *["PUT"] * 17, "POST", "HEAD"]


def test_a_large_file_is_hashed_beside_its_upload(store, standin, tmp_path, monkeypatch):
    """A pass over the whole file before the first request would take as long as a fifth of the upload."""
    (tmp_path / "source").write_bytes(b"x" * (SINGLE_PUT + 1))
    before, read = [], OnDisk.read

    def recording(content, start, length):
        before.append(len(standin.seen))
        return read(content, start, length)

    monkeypatch.setattr(OnDisk, "read", recording)
    store.upload(tmp_path / "source", "large")
    assert before[0] >= 3  # HEAD, its GET, and the POST that begins the upload


def test_a_large_file_is_not_sent_again(store, standin, tmp_path):
    (tmp_path / "source").write_bytes(b"x" * (SINGLE_PUT + 1))
    first = store.upload(tmp_path / "source", "large")
    del standin.seen[:]
    assert store.upload(tmp_path / "source", "large") == first
    assert [method for method, _ in standin.seen] == ["HEAD"]


def test_another_large_file_of_the_same_size_is_sent(store, tmp_path):
    (tmp_path / "source").write_bytes(b"x" * (SINGLE_PUT + 1))
    store.upload(tmp_path / "source", "large")
    (tmp_path / "source").write_bytes(b"x" * SINGLE_PUT + b"y")
    assert store.upload(tmp_path / "source", "large").sha256 == _sha256((tmp_path / "source").read_bytes())


def test_copy_keeps_content_and_checksum(store):
    source = store.write(b"data", "a b/源")
    assert store.copy("a b/源", "target") == ObjectInfo("target", 4, source.etag, source.sha256)


def test_delete(store):
    store.write(b"data", "k")
    store.delete("k")
    assert store.find("k") is None


def test_list_pages_through_everything_in_order(store, standin, monkeypatch):
    monkeypatch.setattr("inference_image_store.client.store._MAX_PAGE", 2)
    for name in ("p/3", "p/1", "p/2", "p/5", "p/4", "q"):
        store.write(name.encode(), name)
    del standin.seen[:]
    assert [info.key for info in store.list("p/", limit=5)] == ["p/1", "p/2", "p/3", "p/4", "p/5"]
    assert len(standin.seen) == 3
    assert store.list("p/1", limit=1) == [ObjectInfo("p/1", 3, etag_of(b"p/1"))]
    assert store.list("absent", limit=1) == []


def test_a_listing_above_its_limit_is_refused(store):
    for name in ("1", "2", "3"):
        store.write(b"", name)
    with pytest.raises(StageError, match="more than 2 objects") as failed:
        store.list("", limit=2)
    assert failed.value.reason is Reason.LIMIT_EXCEEDED


def test_a_listing_that_ignores_its_marker_ends_with_an_error(store, monkeypatch):
    store.write(b"", "k")
    page = store._sdk.list_page("", "", 1)
    monkeypatch.setattr(store._sdk, "list_page", lambda *_: msgspec.structs.replace(page, truncated=True))
    with pytest.raises(StageError, match="does not advance") as failed:
        store.list("", limit=9)
    assert failed.value.reason is Reason.UFILE_UNAVAILABLE


def test_a_read_above_its_limit_is_refused(store):
    store.write(b"12345", "k")
    with pytest.raises(StageError, match="more than 4 bytes") as failed:
        store.read("k", max_bytes=4)
    assert failed.value.reason is Reason.LIMIT_EXCEEDED


@pytest.mark.parametrize("pin", [{"etag": "other"}, {"size": 3}])
def test_a_download_rejects_an_object_that_is_not_the_pinned_one(store, tmp_path, pin):
    store.write(b"data", "k")
    with pytest.raises(StageError, match="changed after it was resolved") as failed:
        store.download("k", tmp_path / "back", **pin)
    assert failed.value.reason is Reason.SOURCE_CHANGED
    assert not (tmp_path / "back").exists()


def test_a_read_rejects_an_object_that_is_not_the_pinned_one(store):
    store.write(b"data", "k")
    with pytest.raises(StageError) as failed:
        store.read("k", max_bytes=9, etag="other")
    assert failed.value.reason is Reason.SOURCE_CHANGED


CALLS = {
    "head": lambda store, _: store.head("k"),
    "find": lambda store, _: store.find("k"),
    "list": lambda store, _: store.list("", limit=1),
    "read": lambda store, _: store.read("k", max_bytes=9),
    "download": lambda store, path: store.download("k", path / "back"),
    "write": lambda store, _: store.write(b"data", "k"),
    "copy": lambda store, _: store.copy("k", "other"),
    "delete": lambda store, _: store.delete("k"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_wrong_credentials_are_explained_and_not_retried(connect, standin, tmp_path, call):
    with pytest.raises(StageError, match="invalid signature") as failed:
        call(connect(private="WRONG"), tmp_path)
    assert failed.value.reason is Reason.UFILE_FORBIDDEN
    assert "publicKey and privateKey" in failed.value.hint
    assert "uai.ucloud.cn/requestedAt" in failed.value.hint
    assert len(standin.seen) <= 2


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_bucket_that_does_not_exist(connect, standin, tmp_path, call):
    location = UFile(bucket="localhost", scheme="http", suffix=f":{standin.port}")
    with pytest.raises(StageError, match="no bucket 'localhost'") as failed:
        call(connect(location=location), tmp_path)
    assert failed.value.reason is Reason.BUCKET_NOT_FOUND
    assert "spec.ufile.bucket" in failed.value.hint


def test_read_only_credentials_cannot_upload(connect, store):
    store.write(b"data", "k")
    reader = connect("TOKEN_READER", "reader-key")
    assert reader.read("k", max_bytes=4) == b"data"
    with pytest.raises(StageError, match="for the upload of object 'new' in bucket '127'") as failed:
        reader.write(b"data", "new")
    assert failed.value.reason is Reason.UFILE_FORBIDDEN
    assert "docs/guides/us3.md" in failed.value.hint


def test_an_unsafe_key_is_refused_before_any_request(store, standin, tmp_path):
    calls = [
        lambda: store.head("a\\b"),
        lambda: store.list("/a", limit=1),
        lambda: store.read("a/./b", max_bytes=1),
        lambda: store.download("../a", tmp_path / "back"),
        lambda: store.write(b"", "a\nb"),
        lambda: store.delete("a//b"),
        lambda: store.delete("a#b"),
        lambda: store.copy("a#b", "c"),
        lambda: store.copy("c", "a?b"),
    ]
    for call in calls:
        with pytest.raises(StageError) as failed:
            call()
        assert failed.value.reason is Reason.UNSAFE_KEY
    assert standin.seen == []


@pytest.mark.parametrize("key", ["docs/notes#1.md", "what?.txt", "100%", "a%2Fb", "a%41", "a&b=c+d", "#", "é#?%"])
def test_keys_with_signs_of_urls_are_read_and_written_unchanged(store, standin, tmp_path, key):
    store.write(b"data", f"in/{key}")
    assert [info.key for info in store.list("in/", limit=9)] == [f"in/{key}"]
    assert store.head(f"in/{key}").size == 4
    assert store.read(f"in/{key}", max_bytes=9) == b"data"
    store.download(f"in/{key}", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"data"
    assert [info.key for info in store.list(f"in/{key}", limit=9)] == [f"in/{key}"]


def _safe(key):
    try:
        check_key(key)
    except StageError:
        return False
    return True


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(tmp_path_factory.mktemp("data"), KEYS) as standin:
        location = UFile(bucket="127", scheme="http", suffix=standin.suffix)
        keys = Credentials(KEYS[0].public_key, KEYS[0].private_key)
        yield Store(location, keys, retries=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(_safe))
def test_every_safe_key_survives_a_round_trip(shared, key):
    shared.write(key.encode(), key)
    assert shared.read(key, max_bytes=999) == key.encode()
    assert [info.key for info in shared.list(key, limit=999) if info.key == key] == [key]
    if set("?#%").isdisjoint(key):
        shared.copy(key, "copy")
        shared.delete(key)
        assert shared.find(key) is None


def test_requests_go_through_the_environments_proxy(connect, standin, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{standin.port}")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    store = connect(location=UFile(bucket="127", scheme="http", suffix=".ufile.test"))
    store.write(b"data", "k")
    assert store.read("k", max_bytes=4) == b"data"


def test_a_netrc_file_does_not_replace_the_signature(store, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert requests.utils.get_netrc_auth("http://127.0.0.1/") == ("someone", "else")
    store.write(b"data", "k")
    assert store.read("k", max_bytes=4) == b"data"


@pytest.mark.row(47, "endpoints are listed, redirects not followed, realms and uploads at the same origin or listed")
def test_no_redirect_is_followed(store, standin):
    standin.faults.add(Fault(kind="status", key="k", status=307, location="/elsewhere", times=-1))
    for call in (lambda: store.head("k"), lambda: store.write(b"", "k")):
        with pytest.raises(StageError, match=r"307|redirect") as failed:
            call()
        assert failed.value.reason is Reason.UFILE_UNAVAILABLE
    assert {key for _, key in standin.seen} == {"k"}


def test_no_repr_contains_a_key(store):
    shown = repr(vars(store)) + repr(vars(store._sdk)) + repr(vars(store._wire))
    assert "CANARY" not in shown
