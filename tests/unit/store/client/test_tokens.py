"""Tokens that forbid overwriting, and the temporary keys of STS."""

import hashlib

import pytest

from devcluster.ufile import Fault
from inference_image_contract.errors import StageError
from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV, SECURITY_TOKEN_ENV
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_store import Credentials, environment_secrets

MIB = 1024 * 1024
LARGE = hashlib.sha256(b"graph").digest() * (9 * MIB // 32)
TOKEN = "CANARY-SECURITY-TOKEN"


@pytest.fixture
def keeper(connect):
    """A store whose token forbids overwriting."""
    return connect("TOKEN_KEEPER", "keeper-key")


@pytest.fixture
def temporary(connect):
    return connect("STS.CANARY-TEMPORARY", "CANARY-STS-KEY", token=TOKEN)


@pytest.fixture
def _in_parts(monkeypatch):
    monkeypatch.setattr("inference_image_store.upload.content.SINGLE_PUT", MIB)
    monkeypatch.setattr("inference_image_store.upload.copying.MAX_COPY", MIB)


@pytest.fixture(params=["write", "upload", "copy", "upload in parts", "copy in parts"])
def overwrite(request, store, tmp_path):
    """Stores an object under `k` and returns its content."""
    how = request.param.partition(" ")[0]
    (tmp_path / "file").write_bytes(LARGE)
    store.write(LARGE, "source")
    if request.param.endswith("parts"):
        request.getfixturevalue("_in_parts")

    def overwrite(by):
        if how == "write":
            by.write(b"new", "k")
        elif how == "copy":
            by.copy("source", "k")
        else:
            by.upload(tmp_path / "file", "k")
        return b"new" if how == "write" else LARGE

    overwrite.ends = ("POST", "uploadId") if request.param.endswith("parts") else ("PUT", "")
    return overwrite


# ---- overwriting ----


def test_an_equal_object_is_never_overwritten(keeper, tmp_path):
    (tmp_path / "file").write_bytes(b"data")
    first = keeper.write(b"data", "out/a")
    assert keeper.write(b"data", "out/a") == first
    assert keeper.upload(tmp_path / "file", "out/a") == first
    assert keeper.upload_all({"out/a": tmp_path / "file"}, "out/") == {"out/a": first}


def test_a_protected_object_is_named_and_kept(store, keeper, standin, overwrite):
    store.write(b"old", "k")
    with pytest.raises(StageError, match="An object with other content exists") as failed:
        overwrite(keeper)
    assert (failed.value.reason, failed.value.exit_code) == (Reason.OVERWRITE_FORBIDDEN, ExitCode.FORBIDDEN)
    assert "'k'" in failed.value.message
    assert "overwrite" in failed.value.hint
    assert store.read("k", max_bytes=9) == b"old"
    assert not list(standin.service.buckets["127"].uploads.iterdir())


def test_a_lost_reply_causes_no_overwrite(store, keeper, standin, overwrite):
    """The first attempt stores the object; the second is rejected, and the stored object is the intended one."""
    method, parameter = overwrite.ends
    standin.faults.add(Fault(kind="lose_reply", method=method, key="k", parameter=parameter))
    wanted = overwrite(keeper)
    assert not standin.faults.planned()
    assert store.read("k", max_bytes=len(LARGE)) == wanted


def test_an_archived_object_can_be_replaced(store, standin):
    store.write(b"old", "k")
    standin.service.switch("127", "k", "ARCHIVE")
    store.write(b"new", "k")
    assert store.read("k", max_bytes=3) == b"new"


# ---- temporary keys ----


def test_every_request_carries_the_security_token(temporary, standin, tmp_path):
    (tmp_path / "file").write_bytes(LARGE)
    temporary.upload(tmp_path / "file", "k")
    temporary.copy("k", "copy")
    assert [info.key for info in temporary.list("", limit=9)] == ["copy", "k"]
    temporary.download("k", tmp_path / "back")
    temporary.delete("copy")
    assert temporary.find("copy") is None


@pytest.mark.usefixtures("_in_parts")
def test_every_request_of_a_multipart_upload_carries_the_security_token(temporary, tmp_path):
    (tmp_path / "file").write_bytes(LARGE)
    temporary.upload(tmp_path / "file", "k")
    assert temporary.copy("k", "copy").size == len(LARGE)


CALLS = {
    "head": lambda store: store.head("k"),
    "list": lambda store: store.list("p/", limit=1),
    "write": lambda store: store.write(b"", "k"),
    "delete": lambda store: store.delete("k"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_expired_temporary_keys_are_explained(temporary, standin, call):
    standin.service.clock.advance(4_000_000_000.0)
    with pytest.raises(StageError, match="temporary STS keys") as failed:
        call(temporary)
    assert (failed.value.reason, failed.value.exit_code) == (Reason.SECURITY_TOKEN_REFUSED, ExitCode.FORBIDDEN)
    assert "security token expired" in failed.value.message
    assert "publicKey, privateKey and securityToken" in failed.value.hint
    assert TOKEN not in failed.value.message + failed.value.hint


def test_a_security_token_of_other_keys_is_explained(connect):
    with pytest.raises(StageError, match="invalid security token") as failed:
        connect("STS.CANARY-TEMPORARY", "CANARY-STS-KEY", token="of another").head("k")
    assert failed.value.reason is Reason.SECURITY_TOKEN_REFUSED


def test_a_wrong_private_key_with_a_security_token_counts_as_wrong_credentials(connect):
    with pytest.raises(StageError, match="invalid signature") as failed:
        connect("STS.CANARY-TEMPORARY", "WRONG", token=TOKEN).head("k")
    assert failed.value.reason is Reason.UFILE_FORBIDDEN
    assert "expire" in failed.value.hint


def _environment(monkeypatch, public, token):
    monkeypatch.setenv(PUBLIC_KEY_ENV, public)
    monkeypatch.setenv(PRIVATE_KEY_ENV, "private")
    monkeypatch.delenv(SECURITY_TOKEN_ENV, raising=False)
    if token is not None:
        monkeypatch.setenv(SECURITY_TOKEN_ENV, token)


@pytest.mark.parametrize(
    ("public", "token", "found"),
    [("TOKEN_a", None, ""), ("TOKEN_a", "", ""), ("STS.a", "AAH\n", "AAH"), ("other", "AAH", "AAH")],
)
def test_the_security_token_comes_from_the_environment(monkeypatch, public, token, found):
    _environment(monkeypatch, public, token)
    assert Credentials.from_environment() == Credentials(public, "private", found)
    assert set(environment_secrets()) == {public, "private", *([token] if token else [])}


@pytest.mark.parametrize(("public", "token"), [("STS.a", None), ("STS.a", " "), ("TOKEN_a", "a\nb"), ("TOKEN_a", "é")])
def test_a_security_token_that_is_missing_or_malformed_is_bad_input(monkeypatch, public, token):
    _environment(monkeypatch, public, token)
    with pytest.raises(StageError, match=SECURITY_TOKEN_ENV) as refused:
        Credentials.from_environment()
    assert refused.value.reason is Reason.INVALID_INPUT
    assert "securityToken" in refused.value.hint


def test_the_repr_of_credentials_shows_no_secret():
    shown = repr(Credentials("PUBLIC", "PRIVATE", "SECURITY"))
    assert shown == "Credentials(***)"
    assert Credentials("PUBLIC", "PRIVATE", "SECURITY").secrets == ("PUBLIC", "PRIVATE", "SECURITY")
