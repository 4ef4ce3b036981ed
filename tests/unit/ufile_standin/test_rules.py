"""The stand-in follows the rules that US3 documents: copies, archived objects, temporary keys, tokens, limits."""

import pytest
import requests
from msgspec.structs import replace
from ufile import filemanager

from devcluster.ufile import KeyPair, running, service
from devcluster.ufile.protocol import signature
from devcluster.ufile.protocol.request import parse
from devcluster.ufile.storage import copying

MIB = 1024 * 1024
DAY = 24 * 3600
ACCOUNT = KeyPair("PUB", "PRIV")
TEMPORARY = KeyPair("STS.a", "temporary", security_token="AAH-token")
TOKEN = KeyPair("TOKEN_a", "token-key", prefixes=("in/", "out/"))


@pytest.fixture
def serve(tmp_path):
    """Runs a stand-in with these key pairs; returns it and a signing client for one of them."""
    running_now = []

    def serve(*pairs):
        running_now.append(running(tmp_path / "data", (ACCOUNT, *pairs)))
        standin = running_now[-1].__enter__()
        return standin, lambda pair=ACCOUNT: Client(standin, pair)

    yield serve
    for each in running_now:
        each.__exit__(None, None, None)


class Client:
    """Signed requests of one key pair, for operations that the SDK lacks."""

    def __init__(self, standin, pair):
        self.base = f"http://127{standin.suffix}/"
        self.pair = pair

    def __call__(self, method, path, data=b"", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.pair.security_token:
            headers.setdefault("SecurityToken", self.pair.security_token)
        request = parse(method, "/" + path, {**headers, "Host": self.base.partition("://")[2].rstrip("/")})
        text = signature.candidates(request)[-1]
        headers["Authorization"] = f"UCloud {self.pair.public_key}:{signature.sign(self.pair.private_key, text)}"
        return requests.request(method, self.base + path, data=data, headers=headers, timeout=60)

    def told(self, method, path, data=b"", **headers):
        """Status and RetCode, 0 for success."""
        answer = self(method, path, data, **headers)
        return answer.status_code, answer.json()["RetCode"] if answer.status_code >= 300 and answer.content else 0

    def upload(self, key):
        return self("POST", f"{key}?uploads").json()["UploadId"]


# ---- copies ----


def test_one_copy_is_limited_to_100_mb(serve, monkeypatch):
    monkeypatch.setattr("devcluster.ufile.storage.copying.MAX_COPY", 5)
    _, client = serve()
    client()("PUT", "small", b"12345")
    client()("PUT", "large", b"123456")
    assert client().told("PUT", "copy", X_Ufile_Copy_Source="/127/small") == (200, 0)
    assert client().told("PUT", "copy", X_Ufile_Copy_Source="/127/large") == (400, -148660)


def test_a_part_can_be_a_range_of_an_object(serve):
    _, client = serve()
    ask, data = client(), bytes(range(256)) * (5 * MIB // 256)
    ask("PUT", "in/源", data)
    upload = ask.upload("k")
    etags = []
    for number, bounds in enumerate(("0-4194303", f"4194304-{len(data) - 1}")):
        part = ask(
            "PUT",
            f"k?uploadId={upload}&partNumber={number}",
            X_Ufile_Copy_Source="/127/in/%E6%BA%90",
            X_Ufile_Copy_Source_Range=f"bytes={bounds}",
        )
        assert (part.status_code, part.json()) == (200, {"PartNumber": number})
        assert part.headers["Content-Range"] == f"bytes {bounds}/{len(data)}"
        etags.append(part.headers["ETag"])
    done = ask("POST", f"k?uploadId={upload}", ",".join(etags).encode())
    assert (done.json()["FileSize"], done.headers["ETag"]) == (len(data), ask("HEAD", "in/源").headers["ETag"])
    assert ask("GET", "k").content == data


@pytest.mark.parametrize(
    ("source", "bounds", "status"),
    [
        ("/127/in", "bytes=0-9", 200),
        ("/127/in", "bytes=0-10", 419),
        ("/127/in", "bytes=5-4", 419),
        ("/127/in", "0-9", 419),
        ("/127/in", None, 419),
        ("/127/absent", "bytes=0-9", 404),
        ("/nowhere/in", "bytes=0-9", 400),
    ],
)
def test_invalid_copied_parts_are_rejected(serve, source, bounds, status):
    _, client = serve()
    client()("PUT", "in", b"0123456789")
    headers = {"X-Ufile-Copy-Source": source} | ({"X-Ufile-Copy-Source-Range": bounds} if bounds else {})
    path = f"k?uploadId={client().upload('k')}&partNumber=0"
    assert client()("PUT", path, **headers).status_code == status


def test_a_copied_part_is_limited_to_one_block(serve, monkeypatch):
    monkeypatch.setattr("devcluster.ufile.service.BLOCK", 4)
    _, client = serve()
    client()("PUT", "in", b"0123456789")
    path = f"k?uploadId={client().upload('k')}&partNumber=0"
    headers = {"X_Ufile_Copy_Source": "/127/in", "X_Ufile_Copy_Source_Range": "bytes=0-4"}
    assert client().told("PUT", path, **headers) == (400, -148660)


# ---- storage classes ----


@pytest.fixture
def archived(serve):
    standin, client = serve()
    client()("PUT", "k", b"data", X_Ufile_Storage_Class="ARCHIVE")
    return standin, client()


def test_an_object_has_the_class_of_its_upload(serve):
    _, client = serve()
    ask = client()
    ask("PUT", "a", b"", X_Ufile_Storage_Class="IA")
    ask("PUT", "b", b"")
    upload = ask("POST", "c?uploads", X_Ufile_Storage_Class="ARCHIVE").json()["UploadId"]
    part = ask("PUT", f"c?uploadId={upload}&partNumber=0", b"data").headers["ETag"]
    ask("POST", f"c?uploadId={upload}", part.encode())
    listed = [entry["StorageClass"] for entry in ask("GET", "?listobjects").json()["Contents"]]
    assert listed == ["IA", "STANDARD", "ARCHIVE"]
    assert [entry["StorageClass"] for entry in ask("GET", "?list").json()["DataSet"]] == listed
    assert ask("HEAD", "a").headers["X-Ufile-Storage-Class"] == "IA"
    assert ask.told("PUT", "d", b"", X_Ufile_Storage_Class="FROZEN")[0] == 400


def test_the_class_switches_only_from_hot_to_cold(serve):
    _, client = serve()
    ask = client()
    ask("PUT", "k", b"data")
    assert ask.told("PUT", "k?storageClass=IA") == (200, 0)
    assert ask.told("PUT", "k?storageClass=STANDARD") == (403, -148660)
    assert ask.told("PUT", "k?storageClass=ARCHIVE") == (200, 0)
    assert ask.told("GET", "k")[0] == 403


def test_an_archived_object_cannot_be_read_or_copied(archived):
    _, ask = archived
    assert ask.told("GET", "k") == (403, -148660)
    assert ask("HEAD", "k").status_code == 403
    assert ask.told("PUT", "copy", X_Ufile_Copy_Source="/127/k")[0] == 403
    assert ask("GET", "?list").json()["DataSet"][0]["RestoreStatus"] == "Frozen"


@pytest.mark.parametrize(("tier", "seconds"), [("Expedited", 900), ("Standard", 5 * 3600), ("", 5 * 3600)])
def test_a_restore_takes_as_long_as_its_tier_and_lasts_three_days(archived, tier, seconds):
    standin, ask = archived
    assert ask.told("PUT", "k?restore", **({"Tier": tier} if tier else {})) == (200, 0)
    standin.service.clock.advance(seconds - 5)
    assert ask("GET", "k").status_code == 403
    assert ask("PUT", "k?restore", Tier="Standard").status_code == 200  # in progress: it does not start again
    standin.service.clock.advance(5)
    assert ask("GET", "k").content == b"data"
    head = ask("HEAD", "k").headers
    assert (head["X-Ufile-Storage-Class"], head["X-Ufile-Restore"][:23]) == ("ARCHIVE", 'ongoing-request="false"')
    assert ask("GET", "?list").json()["DataSet"][0]["RestoreStatus"] == "Restored"
    standin.service.clock.advance(3 * DAY)
    assert ask("GET", "k").status_code == 403


def test_a_restore_can_be_configured_to_end_at_once(archived):
    standin, ask = archived
    standin.service.restore_seconds["Standard"] = 0.0
    ask("PUT", "k?restore")
    assert ask("GET", "k").content == b"data"


def test_invalid_restores_are_rejected(archived):
    _, ask = archived
    ask("PUT", "plain", b"data")
    assert ask.told("PUT", "plain?restore") == (400, -148660)
    assert ask.told("PUT", "absent?restore") == (404, -148654)
    assert ask.told("PUT", "k?restore", Tier="Bulk")[0] == 400


# ---- temporary keys ----


def test_a_temporary_key_needs_its_security_token(serve):
    _, client = serve(TEMPORARY)
    assert client(TEMPORARY).told("PUT", "k", b"data") == (200, 0)
    assert client(TEMPORARY).told("GET", "k", SecurityToken="another") == (403, -148643)
    assert client(TEMPORARY).told("GET", "k", SecurityToken="") == (403, -148643)
    assert client().told("GET", "k", SecurityToken="AAH-token") == (403, -148643)


def test_a_temporary_key_expires(serve):
    standin, client = serve(replace(TEMPORARY, expires=4_000_000_000.0))
    assert client(TEMPORARY).told("PUT", "k", b"data") == (200, 0)
    standin.service.clock.advance(4_000_000_000.0)
    answer = client(TEMPORARY)("GET", "k")
    assert (answer.status_code, answer.json()["ErrMsg"]) == (403, "security token expired")


def test_only_a_temporary_pair_has_a_security_token():
    for public, token in (("STS.a", ""), ("TOKEN_a", "AAH")):
        with pytest.raises(ValueError, match="begins with STS"):
            KeyPair(public, "key", security_token=token)


# ---- tokens ----


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("download", [("GET", "in/k"), ("HEAD", "in/k")]),
        ("upload", [("PUT", "in/new"), ("POST", "in/new?uploads"), ("PUT", "in/k?restore")]),
        ("list", [("GET", "?listobjects&prefix=in/"), ("GET", "?list&prefix=in/a"), ("GET", "?muploadid&prefix=in/")]),
        ("delete", [("DELETE", "in/k")]),
    ],
)
def test_a_token_allows_its_operations_and_nothing_else(serve, operation, asked):
    others = tuple(sorted({"download", "upload", "list", "delete"} - {operation}))
    may, may_not = replace(TOKEN, operations=(operation,)), KeyPair("TOKEN_b", "b", operations=others)
    _, client = serve(may, may_not)
    client()("PUT", "in/k", b"data")
    for method, path in asked:
        assert client(may_not)(method, path).status_code == 401, path
        assert client(may)(method, path).status_code != 401, path


def test_a_token_is_limited_to_prefixes(serve):
    _, client = serve(TOKEN)
    for method, path in [("PUT", "other"), ("GET", "other"), ("GET", "?listobjects"), ("GET", "?list&prefix=i")]:
        assert client(TOKEN)(method, path).status_code == 401, path
    client()("PUT", "other", b"data")
    copied = {"X_Ufile_Copy_Source": "/127/other"}
    assert client(TOKEN).told("PUT", "out/copy", **copied) == (401, -148643)


def test_a_token_can_forbid_overwriting(serve):
    pair = replace(TOKEN, overwrite=False)
    _, client = serve(pair)
    ask = client(pair)
    assert ask.told("PUT", "in/k", b"data") == (200, 0)
    assert ask.told("PUT", "in/k", b"data") == (401, -148643)
    assert ask.told("PUT", "in/k", X_Ufile_Copy_Source="/127/in/k") == (401, -148643)
    upload = ask.upload("in/k")
    part = ask("PUT", f"in/k?uploadId={upload}&partNumber=0", b"other").headers["ETag"]
    assert ask.told("POST", f"in/k?uploadId={upload}", part.encode()) == (401, -148643)
    assert ask("GET", "in/k").content == b"data"


def test_a_form_upload_needs_the_tokens_rights(serve, tmp_path):
    pair = replace(TOKEN, overwrite=False)
    standin, _ = serve(pair)
    (tmp_path / "file").write_bytes(b"data")
    files = filemanager.FileManager(pair.public_key, pair.private_key, standin.suffix, standin.suffix)
    assert files.postfile("127", "in/k", str(tmp_path / "file"))[1].ok()
    assert files.postfile("127", "in/k", str(tmp_path / "file"))[1].status_code == 401
    assert files.postfile("127", "other", str(tmp_path / "file"))[1].status_code == 401


def test_a_token_expires(serve):
    standin, client = serve(replace(TOKEN, expires=4_000_000_000.0))
    standin.service.clock.advance(4_000_000_000.0)
    assert client(TOKEN).told("GET", "in/k") == (403, -148660)


# ---- limits ----


def test_put_and_form_are_limited(serve, monkeypatch, tmp_path):
    monkeypatch.setattr("devcluster.ufile.service.MAX_PUT", 1000)
    standin, client = serve()
    (tmp_path / "file").write_bytes(b"x" * 1001)
    files = filemanager.FileManager("PUB", "PRIV", standin.suffix, standin.suffix)
    assert client().told("PUT", "k", b"x" * 1000) == (200, 0)
    assert client().told("PUT", "k2", b"x" * 1001) == (400, -148660)
    assert files.postfile("127", "k3", str(tmp_path / "file"))[1].status_code == 400
    assert [entry["Key"] for entry in client()("GET", "?listobjects").json()["Contents"]] == ["k"]


def test_the_limits_are_the_documented_ones():
    assert (service.MAX_PUT, service.MAX_METADATA, copying.MAX_COPY) == (512 * MIB, 8192, 100 * MIB)


def test_the_total_size_of_user_metadata_is_limited(serve):
    _, client = serve()
    half = {"X_Ufile_Meta_A": "x" * 4095, "X_Ufile_Meta_B": "x" * 4095}
    assert client().told("PUT", "k", b"", **half) == (200, 0)
    for method, path in (("PUT", "k"), ("POST", "k?uploads")):
        assert client().told(method, path, b"", **half, X_Ufile_Meta_C="")[0] == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("listobjects&max-keys=1000", 200),
        ("listobjects&max-keys=1001", 400),
        ("listobjects&max-keys=-1", 400),
        ("listobjects&max-keys=many", 400),
        ("listobjects&delimiter=/", 200),
        ("listobjects&delimiter=-", 400),
        ("list&limit=10000", 200),
        ("list&limit=10001", 400),
    ],
)
def test_listings_are_limited(serve, query, status):
    _, client = serve()
    assert client().told("GET", "?" + query) == (status, 0 if status == 200 else -15005)
