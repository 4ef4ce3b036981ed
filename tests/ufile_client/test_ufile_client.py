"""UCloud's SDK for Java against the stand-in, which knows it not: what each side writes, the other reads as the same.

The stand-in was made by the SDK for Python and by documents; this client shares no code with either, or with our store.
"""

import pytest

from inference_image_contract.errors import StageError

MIB = 1024 * 1024
SMALL = b"graph" * 1000
LARGE = bytes(range(256)) * (9 * MIB // 256) + b"the last, short part"
KEY = "dir/源 a+b.pb"
"""What has to be encoded in a URL, and is signed as it is."""


@pytest.fixture(params=[SMALL, LARGE], ids=["one block", "three blocks"])
def content(request):
    return request.param


@pytest.fixture
def local(tmp_path, content):
    path = tmp_path / "local"
    path.write_bytes(content)
    return path


def objects(page) -> list[str]:
    return [item[0] for item in page["objects"]]


def test_it_writes_what_our_store_reads_and_verifies(client, store, local, content, tmp_path):
    put = client("put", key=KEY, file=local)
    assert put["etag"] == store.head(KEY).etag
    store.download(KEY, tmp_path / "back", etag=put["etag"], size=len(content))
    assert (tmp_path / "back").read_bytes() == content


def test_it_reads_and_verifies_what_our_store_wrote(client, store, local, content, tmp_path):
    stored = store.upload(local, KEY)
    head = client("head", key=KEY)
    assert (head["etag"], head["size"]) == (stored.etag, len(content))
    assert head["metadata"] == {"sha256": stored.sha256}
    got = client("get", key=KEY, file=tmp_path / "back")
    assert (got["etag"], got["size"]) == (stored.etag, len(content))
    assert (tmp_path / "back").read_bytes() == content
    assert client("download", key=KEY, file=tmp_path / "in-ranges") == {"equal": True}  # by its own ETag
    assert (tmp_path / "in-ranges").read_bytes() == content


def test_it_and_the_sdk_for_python_read_each_other(client, for_python, standin, local, tmp_path):
    for_python.putfile(standin.bucket, "python", str(local))
    assert client("download", key="python", file=tmp_path / "by-java") == {"equal": True}
    client("put", key="java", file=local)
    for_python.download_file(standin.bucket, "java", str(tmp_path / "by-python"))
    assert (tmp_path / "by-java").read_bytes() == (tmp_path / "by-python").read_bytes() == local.read_bytes()
    assert for_python.compare_file_etag(standin.bucket, "java", str(local))


def test_its_metadata_and_type_are_kept(client, tmp_path):
    (tmp_path / "local").write_bytes(SMALL)
    client("put", key="typed", file=tmp_path / "local")
    head = client("head", key="typed")
    assert head["type"].startswith("application/octet-stream")
    assert {name.lower(): value for name, value in head["metadata"].items()} == {"from": "Java"}


def test_a_range(client, store, tmp_path):
    store.write(SMALL, "range")
    assert client("get", key="range", file=tmp_path / "back", first=5, last=9)["size"] == 5
    assert (tmp_path / "back").read_bytes() == b"graph"


def test_its_parts_become_an_object_that_our_store_verifies(client, store, tmp_path):
    (tmp_path / "local").write_bytes(LARGE)
    done = client("multipart", key="parts/a.pb", file=tmp_path / "local")
    assert (done["parts"], done["size"]) == (3, len(LARGE))
    store.download("parts/a.pb", tmp_path / "back", etag=done["etag"], size=len(LARGE))
    assert (tmp_path / "back").read_bytes() == LARGE


def test_an_upload_that_it_aborts_leaves_nothing(client, standin):
    client("abort", key="aborted")
    assert list(standin.handler.service.buckets[standin.bucket].uploads.iterdir()) == []
    assert client("head", key="aborted")["status"] == 404


def test_both_listings_page_by_marker_and_prefix(client, store):
    names = [f"listed/{name}" for name in ("a", "b/1", "b/2", "c")]
    stored = {name: store.write(name.encode(), name) for name in [*names, "listen"]}
    first = client("list", prefix="listed/", marker="", limit=3)
    assert first["objects"] == [[name, len(name), stored[name].etag] for name in names[:3]]
    last = client("list", prefix="listed/", marker=first["next"], limit=3)
    assert (objects(last), last["next"]) == (names[3:], "")
    page = client("listobjects", prefix="listed/", marker="", delimiter="", limit=2)
    assert page["objects"] == [[name, str(len(name)), stored[name].etag] for name in names[:2]]
    assert page["more"] is True
    rest = client("listobjects", prefix="listed/", marker=page["next"], delimiter="", limit=2)
    assert (objects(rest), rest["more"]) == (names[2:], False)
    rolled_up = client("listobjects", prefix="listed/", marker="", delimiter="/", limit=9)
    assert (objects(rolled_up), rolled_up["folders"]) == (["listed/a", "listed/c"], ["listed/b/"])


def test_copy_and_delete(client, store):
    etag = store.write(SMALL, KEY).etag
    assert client("copy", key=KEY, to="copied") == {"etag": etag}
    assert store.read("copied", max_bytes=MIB) == SMALL
    assert client("delete", key="copied") == {}
    assert store.find("copied") is None
    gone = client("delete", key="copied")
    assert (gone["status"], gone["code"], gone["message"]) == (404, -148654, "file not exist")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("put", {"key": "refused", "file": __file__}),
        ("list", {"prefix": "", "marker": "", "limit": 1}),
        ("listobjects", {"prefix": "", "marker": "", "delimiter": "", "limit": 1}),
        ("delete", {"key": "there"}),
        ("multipart", {"key": "refused", "file": __file__}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_private_key_is_refused(wrong, store, operation, fields):
    store.write(SMALL, "there")
    refused = wrong(operation, **fields)
    assert (refused["status"], refused["code"], refused["message"]) == (403, -148658, "invalid signature")
    assert store.find("refused") is None
    assert store.find("there") is not None


@pytest.fixture(scope="module")
def wrong(client_with):
    return client_with("another private key")


def test_what_it_asks_by_a_wrong_signature_in_a_url_is_refused(wrong, store, tmp_path):
    store.write(SMALL, "there")
    refused = wrong("get", key="there", file=tmp_path / "back")
    assert (refused["status"], refused["code"]) == (403, -148658)
    assert (tmp_path / "back").read_bytes() == b""


def test_our_store_refuses_a_copy_that_is_not_what_it_pinned(client, store, tmp_path):
    (tmp_path / "local").write_bytes(SMALL)
    pinned = store.write(b"what was pinned", "pinned")
    client("put", key="pinned", file=tmp_path / "local")
    with pytest.raises(StageError, match="SourceChanged"):
        store.download("pinned", tmp_path / "back", etag=pinned.etag)
