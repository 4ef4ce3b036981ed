"""ETags, keys and credentials: the pure parts of the store."""

import hashlib

import pytest
from ufile.util import file_etag

from inference_image_contract.errors import StageError
from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV
from inference_image_contract.reasons import Reason
from inference_image_store import Credentials, etag_of
from inference_image_store.client.etag import is_ufile_etag, part_etag
from inference_image_store.client.keys import check_key, check_prefix, check_sdk_key
from inference_image_store.errors import ErrorReply, failure, parse, sanitize
from inference_image_store.transfers.retry import Retry

MIB = 1024 * 1024


def test_etag_vector():
    assert etag_of(b"x" * 1000) == "AQAAAMPvppD6P90uJSaFPu1nBTjqEnY4"


@pytest.mark.parametrize("size", [0, 1, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB, 12 * MIB + 5])
def test_etags_equal_the_sdks(tmp_path, size):
    path = tmp_path / "file"
    path.write_bytes((bytes(range(251)) * (size // 251 + 1))[:size])
    assert etag_of(path) == etag_of(path.read_bytes()) == file_etag(str(path))


def test_a_parts_etag_is_its_bare_sha1():
    assert part_etag(hashlib.sha1(b"", usedforsecurity=False).digest()) == "2jmj7l5rSw0yVb_vlWAYkK_YBwk="


@pytest.mark.parametrize("data", [b"", b"x", b"x" * (4 * MIB), b"x" * (4 * MIB + 1)], ids=len)
def test_ufile_etags_are_recognized(data):
    assert is_ufile_etag(etag_of(data))


@pytest.mark.parametrize(
    "etag", ["9dd4e461268c8034f5c8564e155c67a6", "9dd4e461268c8034f5c8564e155c67a6-3", "", "AQ", "ü", "0" * 32]
)
def test_etags_of_the_s3_endpoint_are_not_ufile_etags(etag):
    assert not is_ufile_etag(etag)


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "uai/x/model.ckpt-1.index",
        "模型/a b",
        "a+b&c=d",
        "..a/b..",
        "é" * 511,
        "dir/",
        "a?b",
        "a#b",
        "100%",
        "a%41",
    ],
)
def test_safe_keys(key):
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "/a",
        "a//b",
        "a/../b",
        "..",
        ".",
        "a/.",
        "./a",
        "a\\b",
        "a\nb",
        "a\0",
        "\x7f",
        "\ud800",
        "é" * 512,
    ],
)
def test_unsafe_keys_are_named_and_refused(key):
    for check in (check_key, check_prefix):
        with pytest.raises(StageError) as refused:
            check(key)
        assert refused.value.reason is Reason.UNSAFE_KEY
        assert repr(key)[:20].rstrip("'") in refused.value.message


@pytest.mark.parametrize("key", ["a?b", "a#b", "a%41"])
def test_the_sdk_does_not_get_keys_that_it_does_not_encode(key):
    with pytest.raises(StageError, match="which a copy or a deletion cannot carry") as refused:
        check_sdk_key(key)
    assert refused.value.reason is Reason.UNSAFE_KEY


def test_an_empty_key_is_unsafe_but_an_empty_prefix_means_all_keys():
    assert check_prefix("") == ""
    with pytest.raises(StageError, match="empty"):
        check_key("")


def test_credentials_come_from_the_environment_without_line_ends(monkeypatch):
    monkeypatch.setenv(PUBLIC_KEY_ENV, "PUB\n")
    monkeypatch.setenv(PRIVATE_KEY_ENV, "PRIV")
    credentials = Credentials.from_environment()
    assert credentials == Credentials("PUB", "PRIV")
    assert repr(credentials) == str(credentials) == "Credentials(***)"


@pytest.mark.parametrize("value", [None, "", " ", "a\nb", "é"])
def test_missing_and_malformed_credentials_are_invalid_input(monkeypatch, value):
    monkeypatch.setenv(PUBLIC_KEY_ENV, "PUB")
    monkeypatch.delenv(PRIVATE_KEY_ENV, raising=False)
    if value is not None:
        monkeypatch.setenv(PRIVATE_KEY_ENV, value)
    with pytest.raises(StageError, match=PRIVATE_KEY_ENV) as refused:
        Credentials.from_environment()
    assert refused.value.reason is Reason.INVALID_INPUT
    assert "spec.ufile.secretRef" in refused.value.hint


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, b'{"RetCode":-148653,"ErrMsg":"bucket not exists"}', Reason.BUCKET_NOT_FOUND),
        (403, b'{"RetCode":-148653,"ErrMsg":"bucket not exists"}', Reason.BUCKET_NOT_FOUND),
        (403, b'{"RetCode":-148658,"ErrMsg":"invalid signature"}', Reason.UFILE_FORBIDDEN),
        (403, b"", Reason.UFILE_FORBIDDEN),
        (401, b"[]", Reason.UFILE_FORBIDDEN),
        (404, b'{"RetCode":-148654,"ErrMsg":"file not exist"}', Reason.OBJECT_NOT_FOUND),
        (404, b"<html>", Reason.OBJECT_NOT_FOUND),
        (301, b"", Reason.UFILE_UNAVAILABLE),
        (503, b'{"RetCode":"x","ErrMsg":""}', Reason.UFILE_UNAVAILABLE),
        (500, b"\xff", Reason.UFILE_UNAVAILABLE),
    ],
)
def test_every_error_reply_has_a_reason_and_names_bucket_and_key(status, body, reason):
    error = failure(parse(status, body), "demo", "dir/k", "download")
    assert error.reason is reason
    assert "'demo'" in error.message
    assert error.hint


def test_words_of_a_reply_cannot_break_a_message():
    assert sanitize("a\nb\x1b[31m" + "x" * 500) == "a b [31m" + "x" * 192
    assert "c2VjcmV0c2VjcmV0" not in sanitize("Authorization: UCloud PUB:c2VjcmV0c2VjcmV0")
    assert str(ErrorReply(500)) == "500"


def test_pauses_double_up_to_a_cap_and_are_jittered():
    retry = Retry(retries=10, first_pause=1.0)
    for attempt, full in [(0, 1.0), (1, 2.0), (3, 8.0), (9, 20.0)]:
        pauses = {retry.pause(attempt) for _ in range(50)}
        assert all(full / 2 <= pause <= full for pause in pauses)
        assert len(pauses) > 1
