"""Registries that answer too much, too slowly, wrongly or not at all."""

import gzip

import pytest

from inference_image_build.registry import replies
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.registries.faulty import Answer, cut, reset

DEEP = b"[" * 200000


def failure(action, *arguments) -> StageError:
    with pytest.raises(StageError) as caught:
        action(*arguments)
    return caught.value


@pytest.mark.parametrize("answer", [reset, cut], ids=["reset", "cut"])
def test_a_broken_connection_is_tried_again(faulty, client, no_waiting, answer):
    manifest = faulty.push_image()
    faulty.on("GET", "manifests", answer, times=2)
    assert client().manifest(faulty.image()) == manifest
    faulty.on("GET", "manifests", answer)
    error = failure(client().manifest, faulty.image())
    assert (error.reason, len(no_waiting)) == (Reason.REGISTRY_UNAVAILABLE, 2 + 3)


@pytest.mark.parametrize(
    ("value", "shortest"),
    [
        ("3", 3.0),
        ("100", 10.0),
        ("9" * 400, 10.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 10.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("\u00b2", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
        ("", 0.0),
    ],
    ids=["3 s", "100 s", "400 digits", "far date", "past date", "superscript", "word", "negative", "empty"],
)
def test_a_registry_says_when_to_come_back(faulty, client, no_waiting, value, shortest):
    manifest = faulty.push_image()
    faulty.on("GET", "manifests", Answer(429, [("Retry-After", value)]), times=1)
    assert client().manifest(faulty.image()) == manifest
    (waited,) = no_waiting
    assert shortest <= waited <= 10


def test_a_long_error_is_cut(faulty, client):
    body = b'{"errors":[{"code":"DENIED","message":"no"}]}'
    faulty.on("GET", "manifests", Answer(403, (), body + b" " * (8 * replies.MAX_ERROR)))
    assert failure(client().manifest, faulty.image()).reason == Reason.REGISTRY_UNAUTHORIZED


def test_a_long_answer_to_an_upload_is_cut(faulty, client):
    faulty.on("PUT", "uploads", Answer(413, (), b"x" * (8 * replies.MAX_ERROR)))
    blob = faulty.push("elsewhere", b"data")
    push = client().push_blob
    assert failure(push, faulty.image(), blob, lambda: iter((b"data",))).reason == Reason.LAYER_TOO_LARGE


@pytest.mark.parametrize("kind", ["manifests", "tags"])
def test_a_long_answer_is_refused(faulty, client, kind):
    faulty.on("GET", kind, Answer(200, (), b" " * (replies.MAX_BODY + 1)))
    action = client().manifest if kind == "manifests" else client().tags
    error = failure(action, faulty.image())
    assert error.reason == Reason.LIMIT_EXCEEDED
    assert faulty.host in error.message


def test_a_long_token_is_refused(faulty, client):
    faulty.challenges = ('Bearer realm="https://{host}/token"',)
    faulty.token = b'{"token": "' + b"x" * replies.MAX_TOKEN + b'"}'
    assert failure(client().manifest, faulty.image()).reason == Reason.LIMIT_EXCEEDED


def test_a_packed_answer_is_not_unpacked(faulty, client):
    packed = gzip.compress(b" " * (64 * replies.MAX_BODY))
    faulty.on("GET", "manifests", Answer(200, [("Content-Encoding", "gzip")], packed))
    manifest = client().manifest(faulty.image())
    assert manifest.data == packed
    assert failure(client().size, faulty.image(), manifest).reason == Reason.DIGEST_INVALID


@pytest.mark.usefixtures("no_waiting")
def test_an_answer_that_takes_too_long_is_an_outage(faulty, client, monkeypatch):
    faulty.push_image()
    monkeypatch.setattr(replies, "SECONDS", 0.0)
    error = failure(client().manifest, faulty.image())
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert "in time" in error.message


def test_deeply_nested_answers_are_no_json(faulty, client):
    ours = client()
    faulty.on("GET", "manifests/404", Answer(404, (), DEEP))
    faulty.on("GET", "manifests/403", Answer(403, (), DEEP))
    faulty.on("GET", "manifests/200", Answer(200, (), DEEP))
    faulty.on("GET", "tags", Answer(200, (), DEEP))
    assert ours.manifest(faulty.image(tag="404")) is None
    assert failure(ours.manifest, faulty.image(tag="403")).reason == Reason.REGISTRY_UNAUTHORIZED
    manifest = ours.manifest(faulty.image(tag="200"))
    assert failure(ours.size, faulty.image(), manifest).reason == Reason.DIGEST_INVALID
    assert failure(ours.tags, faulty.image()).reason == Reason.REGISTRY_UNAVAILABLE
    blob = faulty.push("a/b", DEEP)
    document = f'{{"config": {{"digest": "{blob.digest}", "size": {blob.size}}}}}'.encode()
    assert ours.config(faulty.image(), manifest._replace(data=document)) == {}


def test_a_deeply_nested_token_is_none(faulty, client):
    faulty.challenges, faulty.token = ('Bearer realm="https://{host}/token"',), DEEP
    assert "without a token" in failure(client().manifest, faulty.image()).message


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:0"])
def test_a_wrong_digest_is_refused(faulty, client, digest):
    faulty.on("GET", "manifests", Answer(200, [("Docker-Content-Digest", digest)], b"{}"))
    assert failure(client().manifest, faulty.image()).reason == Reason.DIGEST_INVALID


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    ("served", "sent"), [(b"hello, and no end" * 1000, [b"hello"]), (b"HELLO", [b"HELLO"] * 4), (b"he", [])]
)
def test_a_copied_blob_has_the_size_that_the_manifest_says(faulty, client, other, served, sent):
    """More is never sent on; less or other bytes never become a blob of the target."""
    blob = faulty.push("a/b", b"hello")
    faulty.blobs["a/b"][blob.digest] = served
    document = f'{{"layers": [{{"digest": "{blob.digest}", "size": {blob.size}}}]}}'.encode()
    received = []

    def take(handler):
        received.extend([handler.data] if len(handler.data) == blob.size else [])
        handler.serve()

    other.on("PUT", "blobs/uploads", take)
    ours = client(allowed_hosts=(faulty.host, other.host))
    manifest = type(faulty.push_image("x"))(document, "x")
    if served.startswith(b"hello"):
        ours.copy(faulty.image(), other.image(), manifest)
        assert other.blobs["a/b"] == {blob.digest: b"hello"}
    else:
        assert failure(ours.copy, faulty.image(), other.image(), manifest).reason == Reason.REGISTRY_UNAVAILABLE
        assert other.blobs.get("a/b", {}) == {}
    assert received == sent
