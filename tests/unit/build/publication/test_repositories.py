"""Publishing to several repositories: mounted within a registry, copied between two, and nothing moved by a refusal."""

import base64
import hashlib
import json
import secrets

import pytest

from inference_image_build.registry.client import Registry
from inference_image_build.registry.http import RegistryHttp
from inference_image_build.registry.references import ImageReference
from inference_image_build.steps.publish import publish
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MAX_BYTES, MovedTag, encode
from tests.support.replies import reply

PLAIN = b'{"architecture":"amd64","os":"linux"}'


@pytest.fixture
def client(registry_server, token_registry, tmp_path):
    """client(**settings) -> our client, with logins for the registries with basic and with token authentication."""
    logins = {
        registry_server.host: f"{registry_server.user}:{registry_server.password}",
        token_registry.host: "pusher:secret-1",
    }
    config = tmp_path / "config.json"
    auths = {host: {"auth": base64.b64encode(login.encode()).decode()} for host, login in logins.items()}
    config.write_text(json.dumps({"auths": auths}))

    def make(**settings) -> Registry:
        allowed = inputs.Registry(repository="h.example/any", **settings)
        return Registry(allowed, config, registry_server.tls.ca, backoff=0.001)

    return make


@pytest.fixture
def run(client, repository):
    """run(digest, tags, others, **more) -> the result of publish."""

    def call(digest, tags=("test",), others=(), **more):
        where = inputs.Registry(repository=repository.repository, additional_repositories=tuple(others))
        step_input = inputs.PublishInput(registry=where, digest=digest, tags=tags, **more)
        return publish(step_input, client())

    return call


@pytest.fixture
def sibling(repository) -> ImageReference:
    """Another repository of the same registry."""
    return repository._replace(path=f"{repository.path}-sibling")


@pytest.fixture
def elsewhere(token_registry) -> ImageReference:
    """A repository of another registry."""
    return ImageReference(token_registry.host, f"demo/test-{secrets.token_hex(6)}", "latest", "")


@pytest.fixture
def places(repository, sibling, elsewhere) -> dict[str, ImageReference]:
    return {"repository": repository, "sibling": sibling, "elsewhere": elsewhere}


def test_the_same_tags_point_to_the_same_digest_everywhere(run, client, registry_server, places):
    repository, sibling, elsewhere = places.values()
    digest = registry_server.push_image(repository.path, "", b"x" * 3_000_000)
    result = run(digest, ("test", "v1"), (sibling.repository, elsewhere.repository))
    for place in (repository, sibling, elsewhere):
        for tag in ("test", "v1"):
            assert client().manifest(place, tag).digest == digest
    assert result.tags == (
        MovedTag(tag="test"),
        MovedTag(tag="v1"),
        *(MovedTag(tag=tag, repository=place.repository) for place in (sibling, elsewhere) for tag in ("test", "v1")),
    )


def test_the_copy_has_the_same_bytes(run, registry_server, connect, repository, elsewhere):
    content = secrets.token_bytes(3_000_000)
    digest = registry_server.push_image(repository.path, "", content)
    run(digest, others=[elsewhere.repository])
    puller = connect(elsewhere.host, "puller", "secret-2", ca=registry_server.tls.ca)
    layer = json.loads(puller.manifest(elsewhere, "test").data)["layers"][0]
    assert layer["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    puller._http.request("HEAD", elsewhere, f"blobs/{layer['digest']}")
    with puller._http.download(elsewhere, f"blobs/{layer['digest']}") as response:
        assert response.content == content


@pytest.mark.on_disk
def test_within_a_registry_no_byte_is_sent_again(run, registry_server, repository, sibling):
    digest = registry_server.push_image(repository.path, "", b"y" * 1000)
    run(digest, others=[sibling.repository])
    uploads = registry_server.data / f"docker/registry/v2/repositories/{sibling.path}/_uploads"
    assert not uploads.is_dir() or not list(uploads.rglob("data"))
    assert registry_server.digest(sibling.path, "test") == digest


def test_a_second_repository_of_another_registry_gets_the_layers_from_the_first(
    run, registry_server, repository, elsewhere, monkeypatch
):
    sent, whole = [], RegistryHttp.upload

    def upload(self, image, location, body, size):
        sent.append(image.path)
        return whole(self, image, location, body, size)

    monkeypatch.setattr(RegistryHttp, "upload", upload)
    second = elsewhere._replace(path=f"{elsewhere.path}-second")
    run(registry_server.push_image(repository.path, "", b"w" * 1000), others=[elsewhere.repository, second.repository])
    assert set(sent) == {elsewhere.path}


def test_publishing_again_moves_nothing(run, registry_server, repository, sibling, elsewhere):
    digest = registry_server.push_image(repository.path, "")
    places = (sibling.repository, elsewhere.repository)
    run(digest, others=places)
    assert {tag.previous for tag in run(digest, others=places).tags} == {digest}


@pytest.mark.parametrize("taken", ["repository", "sibling", "elsewhere"])
def test_a_refused_move_moves_nothing(run, client, registry_server, places, taken):
    repository, sibling, elsewhere = places.values()
    digest = registry_server.push_image(repository.path, "", b"new")
    other = registry_server.push_image(repository.path, "", b"old")
    if taken != "repository":
        client().copy(repository, places[taken], client().manifest(repository, other))
    client().put_manifest(places[taken], "v1", client().manifest(repository, other))
    with pytest.raises(StageError) as caught:
        run(digest, ("test", "v1"), (sibling.repository, elsewhere.repository), refuse_moves=True)
    assert caught.value.reason == Reason.TAG_EXISTS
    assert f"{places[taken].repository}:v1 already points to {other}" in caught.value.message
    assert "spec.image.tagPolicy" in caught.value.hint
    assert [client().manifest(place, "test") for place in places.values()] == [None] * 3


def test_refuse_accepts_a_tag_that_already_points_there(run, registry_server, repository):
    digest = registry_server.push_image(repository.path, "v1")
    assert run(digest, ("v1", "v2"), refuse_moves=True).tags == (
        MovedTag(tag="v1", previous=digest),
        MovedTag(tag="v2"),
    )


def test_an_additional_repository_that_may_not_be_pushed_to_moves_nothing(
    connect, registry_server, token_registry, repository, elsewhere
):
    digest = registry_server.push_image(repository.path, "")
    where = inputs.Registry(repository=repository.repository, additional_repositories=(elsewhere.repository,))
    ours = connect(registry_server.host, registry_server.user, registry_server.password, ca=registry_server.tls.ca)
    with pytest.raises(StageError) as caught:
        publish(inputs.PublishInput(registry=where, digest=digest, tags=("test",)), ours)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert elsewhere.repository in caught.value.message
    assert registry_server.digest(repository.path, "test") == ""


def test_an_additional_repository_must_be_allowed(client, registry_server, repository, elsewhere):
    digest = registry_server.push_image(repository.path, "")
    allowed = {"allowed_hosts": (repository.host,), "additional_repositories": (elsewhere.repository,)}
    where = inputs.Registry(repository=repository.repository, **allowed)
    with pytest.raises(StageError) as caught:
        publish(inputs.PublishInput(registry=where, digest=digest, tags=("test",)), client(**allowed))
    assert caught.value.reason == Reason.REGISTRY_NOT_ALLOWED


def test_many_tags_in_many_repositories_fit_into_a_result(run, registry_server, repository):
    digest = registry_server.push_image(repository.path, "")
    tags = tuple(f"{number:02}-{'t' * 60}" for number in range(16))
    others = [f"{repository.repository}-{number}" for number in range(4)]
    result = run(digest, tags, others)
    assert [tag.tag for tag in result.tags[:16]] == list(tags)
    assert len(encode(result)) <= MAX_BYTES
    assert registry_server.digest(f"{repository.path}-3", tags[15]) == digest


def test_previous_digests_are_dropped_before_tags(run, registry_server, repository):
    tags = tuple(f"{number:02}-{'t' * 125}" for number in range(16))
    run(registry_server.push_image(repository.path, "", b"one"), tags)
    result = run(registry_server.push_image(repository.path, "", b"two"), tags)
    assert [tag.tag for tag in result.tags] == list(tags)
    assert result.tags[0].previous
    assert not result.tags[-1].previous
    assert len(encode(result)) <= MAX_BYTES


# --- misbehaving registries ------------------------------------------------------------------------------------------


@pytest.fixture
def copy_to(client, registry_server, repository, serve, tls):
    """copy_to(handle) copies an image to a registry that answers with `handle`; returns the received requests."""
    digest = registry_server.push_image(repository.path, "", b"z" * 1000)

    def run_copy(handle):
        seen = []

        def both(request):
            seen.append((request.command, request.path, request.headers.get("Authorization")))
            handle(request)

        host = f"localhost:{serve(both, tls=tls)}"
        ours = client()
        return seen, lambda: ours.copy(
            repository, ImageReference(host, "a/b", "t", ""), ours.manifest(repository, digest)
        )

    return run_copy


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (413, b"<html>", Reason.LAYER_TOO_LARGE),
        (400, b'{"errors": [{"code": "SIZE_INVALID"}]}', Reason.LAYER_TOO_LARGE),
        (403, b'{"errors": [{"code": "DENIED", "message": "storage quota exceeded"}]}', Reason.REGISTRY_QUOTA_EXCEEDED),
        (503, b"", Reason.REGISTRY_UNAVAILABLE),
    ],
)
def test_an_upload_that_is_refused_is_explained(copy_to, status, body, reason):
    def handle(request):
        match request.command:
            case "HEAD":
                reply(request, 404)
            case "POST":
                reply(request, 202, Location="/v2/a/b/blobs/uploads/1?_state=s")
            case _:
                reply(request, status, body)

    seen, copy = copy_to(handle)
    with pytest.raises(StageError) as caught:
        copy()
    assert caught.value.reason == reason
    puts = [path for command, path, _ in seen if command == "PUT"]
    assert puts[0].startswith("/v2/a/b/blobs/uploads/1?_state=s&digest=sha256:")
    assert len(puts) == (4 if status == 503 else 1)


@pytest.mark.parametrize(
    ("location", "words"), [("http://127.0.0.1:9/upload", "no TLS"), ("http://169.254.169.254/", "no TLS")]
)
def test_an_upload_to_another_host_without_tls_is_refused(copy_to, location, words):
    def handle(request):
        if request.command == "POST":
            reply(request, 202, Location=location)
        else:
            reply(request, 404)

    _, copy = copy_to(handle)
    with pytest.raises(StageError, match=words):
        copy()


@pytest.fixture
def redirecting(client, serve, tls):
    """redirecting(location) -> a registry that answers every blob with a redirect, and our client's download of one."""

    def make(location):
        def handle(request):
            if request.command == "HEAD":
                reply(request, 200)
            else:
                reply(request, 307, Location=location)

        image = ImageReference(f"localhost:{serve(handle, tls=tls)}", "a/b", "t", "")
        http = client()._http
        http._authorizations[image.host, f"repository:{image.path}:pull"] = "Bearer canary"
        return http.download(image, "blobs/sha256:1")

    return make


def test_a_blob_on_another_host_is_fetched_without_the_login(redirecting, serve, tls):
    seen = []

    def storage(request):
        seen.append(request.headers.get("Authorization"))
        reply(request, 200, b"blob")

    with redirecting(f"https://localhost:{serve(storage, tls=tls)}/x") as response:
        assert response.content == b"blob"
    assert seen == [None]


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "ftp://h.example/x", "file:///etc/passwd"])
def test_a_redirect_without_tls_is_not_followed(redirecting, location):
    with pytest.raises(StageError, match="no TLS"), redirecting(location):
        pass


def test_endless_redirects_are_refused(redirecting, serve, tls):
    port = serve(lambda request: reply(request, 307, Location=request.path), tls=tls)
    with pytest.raises(StageError, match="more than 3 times"), redirecting(f"https://localhost:{port}/x"):
        pass
