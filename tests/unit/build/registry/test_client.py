"""The registry client against a real registry with TLS and basic authentication, and against misbehaving ones."""

import json

import pytest

from inference_image_build.registry.client import INDEX_TYPES, MANIFEST_TYPES, Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.proxying import proxy
from tests.support.replies import reply


def failure(action, *arguments) -> StageError:
    with pytest.raises(StageError) as caught:
        action(*arguments)
    return caught.value


def test_a_manifest_is_read_byte_for_byte(registry, registry_server, repository):
    digest = registry_server.push_image(repository.path, "latest", b"x" * 1000)
    manifest = registry.manifest(repository)
    assert (manifest.digest, manifest.media_type) == (digest, MANIFEST_TYPES[0])
    assert registry.manifest(repository, digest) == manifest
    assert registry.size(repository, manifest) == 1000 + len(b'{"architecture":"amd64","os":"linux"}')


def test_a_missing_manifest_is_none(registry, registry_server, repository):
    assert registry.manifest(repository) is None
    registry_server.push_image(repository.path, "latest")
    assert registry.manifest(repository, "other") is None
    assert registry.manifest(repository, "sha256:" + "0" * 64) is None


@pytest.mark.parametrize("index_type", INDEX_TYPES)
def test_an_index_counts_as_its_amd64_image(registry, registry_server, repository, index_type):
    entries = []
    for architecture, content in (("arm64", b"a" * 10), ("amd64", b"b" * 2000)):
        digest = registry_server.push_image(repository.path, "", content)
        data = registry.manifest(repository, digest).data
        entry = {"mediaType": MANIFEST_TYPES[0], "size": len(data), "digest": digest}
        entries.append(entry | {"platform": {"os": "linux", "architecture": architecture}})
    document = {"schemaVersion": 2, "mediaType": index_type, "manifests": entries}
    digest = registry_server.push_manifest(repository.path, "multi", document, index_type)
    index = registry.manifest(repository, "multi")
    assert (index.digest, index.media_type) == (digest, index_type)
    assert registry.size(repository, index) == 2000 + len(b'{"architecture":"amd64","os":"linux"}')


def test_a_tag_is_put_with_the_same_bytes(registry, registry_server, repository):
    digest = registry_server.push_image(repository.path, "one")
    registry.put_manifest(repository, "two", registry.manifest(repository, "one"))
    assert registry_server.digest(repository.path, "two") == digest


def test_a_manifest_without_its_blobs_is_refused(registry, repository):
    manifest = Manifest(
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPES[1],
                "config": {"mediaType": "x", "size": 1, "digest": "sha256:" + "0" * 64},
                "layers": [],
            }
        ).encode(),
        MANIFEST_TYPES[1],
    )
    error = failure(registry.put_manifest, repository, "t", manifest)
    assert error.reason == Reason.PUBLISH_FAILED
    assert "MANIFEST_BLOB_UNKNOWN" in error.message


@pytest.mark.on_disk
def test_the_push_check_leaves_no_trace(registry, registry_server, repository):
    registry.check_push(repository)
    uploads = registry_server.data / f"docker/registry/v2/repositories/{repository.path}/_uploads"
    assert uploads.is_dir(), "an upload was begun"
    assert list(uploads.rglob("data")) == [], "and cancelled (docker-registry 2.8 leaves the folder)"


@pytest.mark.parametrize("password", ["wrong", ""])
def test_wrong_credentials_name_the_secret(registry_server, connect, repository, password):
    client = connect(registry_server.host, registry_server.user, password, ca=registry_server.tls.ca)
    error = failure(client.check_push, repository)
    assert error.reason == Reason.REGISTRY_UNAUTHORIZED
    for words in (registry_server.host, registry_server.user, repository.path, "401"):
        assert words in error.message
    assert "spec.image.pushSecretRef" in error.hint
    assert "uai.ucloud.cn/requestedAt" in error.hint


def test_no_credentials_name_the_secret_too(registry_server, connect, repository):
    error = failure(connect(registry_server.host, ca=registry_server.tls.ca).manifest, repository)
    assert error.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "without credentials" in error.message
    assert error.hint.startswith("Check the name of the image")
    assert f"a login for {registry_server.host} into the Secret of spec.image.pushSecretRef" in error.hint


def test_an_unknown_ca_names_the_ca_secret(registry_server, connect, repository, foreign_tls):
    for ca in (foreign_tls.ca, foreign_tls.ca.parent / "absent"):
        error = failure(connect(registry_server.host, ca=ca).manifest, repository)
        assert error.reason == Reason.REGISTRY_TLS
        assert "spec.image.caSecretRef" in error.hint


def test_a_certificate_of_another_name_is_refused(connect, serve, elsewhere_tls):
    image = ImageReference(f"localhost:{serve(lambda request: reply(request, 200), tls=elsewhere_tls)}", "a", "t", "")
    error = failure(connect(image.host, ca=elsewhere_tls.ca).manifest, image)
    assert error.reason == Reason.REGISTRY_TLS
    assert "Hostname mismatch" in error.message
    assert image.host in error.hint


def test_an_invalid_ca_is_explained(registry_server, connect, tmp_path):
    (tmp_path / "ca.crt").write_text("nonsense")
    with pytest.raises(StageError) as caught:
        connect(registry_server.host, ca=tmp_path / "ca.crt")
    assert caught.value.reason == Reason.REGISTRY_TLS
    assert "PEM" in caught.value.message


def test_the_public_authorities_are_read_once(faulty, connect, tls, tmp_path, monkeypatch):
    """They take 30 ms, and requests would read them again for each connection."""
    bundle = tmp_path / "bundle.crt"
    bundle.write_bytes(tls.ca.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    pushed = faulty.push_image()
    assert connect(faulty.host, ca=tmp_path / "none").manifest(faulty.image()) == pushed
    bundle.write_text("no certificate")
    assert connect(faulty.host, ca=tmp_path / "none").manifest(faulty.image()) == pushed


def test_the_custom_ca_is_trusted_behind_a_proxy(faulty, connect, tls, monkeypatch):
    pushed = faulty.push_image()
    with proxy() as server:
        for name, value in (("HTTPS_PROXY", server.url), ("NO_PROXY", "")):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.setenv(name, value)
        assert connect(faulty.host, ca=tls.ca).manifest(faulty.image()) == pushed
    assert server.asked == [f"CONNECT {faulty.host}"]


def test_a_forbidden_host_is_never_contacted(connect, tls, repository):
    client = connect(repository.host, ca=tls.ca, allowed_hosts=("h.example",))
    for action in (client.manifest, client.check_push):
        assert failure(action, repository).reason == Reason.REGISTRY_NOT_ALLOWED
    assert failure(client.put_manifest, repository, "t", Manifest(b"{}", "x")).reason == Reason.REGISTRY_NOT_ALLOWED


def plain(connect, tls, port: int):
    """Our client and a reference, for a test server without TLS."""
    host = f"127.0.0.1:{port}"
    return connect(host, "user", "canary", ca=tls.ca, plain_http_hosts=(host,)), ImageReference(host, "a/b", "t", "")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_outage_is_retried_and_then_reported(connect, tls, serve, status):
    seen = []

    def handle(request):
        seen.append(request.path)
        reply(request, status)

    client, image = plain(connect, tls, serve(handle))
    error = failure(client.manifest, image)
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert f"answers {status} (4 attempts)" in error.message
    assert ("a login with a higher limit, or a mirror" in error.hint) is (status == 429)
    assert seen == ["/v2/a/b/manifests/t"] * 4


def test_a_short_outage_goes_unnoticed(connect, tls, serve):
    statuses = [503, 500]
    client, image = plain(
        connect, tls, serve(lambda request: reply(request, statuses.pop() if statuses else 200, b'{"layers": []}'))
    )
    assert client.manifest(image).data == b'{"layers": []}'


def test_a_closed_port_is_unavailable(connect, tls, serve, unused_port):
    client, image = plain(connect, tls, unused_port)
    error = failure(client.manifest, image)
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert "refused" in error.message


def test_a_server_without_tls_is_explained(connect, tls, serve):
    port = serve(lambda request: reply(request, 200))
    image = ImageReference(f"127.0.0.1:{port}", "a", "t", "")
    error = failure(connect(image.host, ca=tls.ca).manifest, image)
    assert error.reason == Reason.REGISTRY_TLS
    assert "does not speak TLS" in error.message


@pytest.mark.parametrize("by_digest", [False, True])
def test_bytes_that_do_not_match_the_digest_are_refused(connect, tls, serve, by_digest):
    wrong = "sha256:" + "0" * 64
    port = serve(lambda request: reply(request, 200, b"{}", **({} if by_digest else {"Docker_Content_Digest": wrong})))
    client, image = plain(connect, tls, port)
    error = failure(client.manifest, image, wrong if by_digest else "")
    assert error.reason == Reason.DIGEST_INVALID


def test_an_endless_manifest_is_cut_off(connect, tls, serve):
    client, image = plain(connect, tls, serve(lambda request: reply(request, 200, b" " * (5 * 1024**2))))
    assert failure(client.manifest, image).reason == Reason.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("status", "headers"),
    [(307, {}), (400, {}), (401, {"WWW_Authenticate": "Bearer realm=ftp://x"})],
)
def test_an_unexpected_answer_is_reported(connect, tls, serve, status, headers):
    client, image = plain(connect, tls, serve(lambda request: reply(request, status, **headers)))
    error = failure(client.manifest, image)
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert str(status) in error.message or "token server" in error.message


def test_a_refused_upload_explains_the_repository(connect, tls, serve):
    body = b'{"errors": [{"code": "NAME_UNKNOWN"}]}'
    client, image = plain(connect, tls, serve(lambda request: reply(request, 404, body)))
    error = failure(client.check_push, image)
    assert error.reason == Reason.REPOSITORY_NOT_FOUND
    assert "404 NAME_UNKNOWN" in error.message
    assert "spec.image.repository" in error.hint


@pytest.mark.parametrize(
    "location", ["/v2/a/b/blobs/uploads/1?x=y", "http://elsewhere.example/v2/a/b/blobs/uploads/1?x=y"]
)
def test_the_upload_is_cancelled_only_at_the_same_registry(connect, tls, serve, location):
    seen = []

    def handle(request):
        seen.append(f"{request.command} {request.path}")
        reply(request, 202 if request.command == "POST" else 403, Location=location)

    client, image = plain(connect, tls, serve(handle))
    client.check_push(image)
    assert seen == ["POST /v2/a/b/blobs/uploads/", "DELETE /v2/a/b/blobs/uploads/1?x=y"]


@pytest.mark.parametrize("data", [b"<html>", b"[]"])
def test_a_manifest_must_be_a_json_object(connect, tls, serve, data):
    client, image = plain(connect, tls, serve(lambda request: reply(request, 200, data)))
    assert failure(client.size, image, client.manifest(image)).reason == Reason.DIGEST_INVALID
