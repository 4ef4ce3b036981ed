"""Token authentication against a real registry and a token server: the right scope, a pull-only token, none at all."""

import pytest

from inference_image_build.references import ImageReference
from inference_image_build.registry import MANIFEST_TYPES, Manifest
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


@pytest.fixture
def image(token_registry) -> ImageReference:
    return ImageReference(token_registry.host, "demo/infer", "test", "")


def test_a_token_that_may_push_proves_it(token_registry, connect, image):
    client = connect(token_registry.host, "pusher", "secret-1", ca=token_registry.tls.ca)
    client.check_push(image)
    assert "repository:demo/infer:pull,push" in token_registry.scopes


def test_a_token_is_kept_for_the_next_request(token_registry, connect, image):
    client = connect(token_registry.host, "puller", "secret-2", ca=token_registry.tls.ca)
    before = len(token_registry.scopes)
    assert client.manifest(image) is None
    assert client.manifest(image) is None
    assert token_registry.scopes[before:] == ["repository:demo/infer:pull"]


def test_a_pull_only_token_may_not_push(token_registry, connect, image):
    client = connect(token_registry.host, "puller", "secret-2", ca=token_registry.tls.ca)
    for action in (client.check_push, lambda ref: client.put_manifest(ref, "t", _manifest())):
        with pytest.raises(StageError) as caught:
            action(image)
        assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
        assert "pushing to" in caught.value.message
        assert "puller" in caught.value.message
        assert "may push" in caught.value.hint
        assert "spec.image.pushSecretRef" in caught.value.hint


@pytest.mark.parametrize("password", ["wrong", "secret-2"])
def test_a_wrong_password_is_refused_by_the_token_server(token_registry, connect, image, password):
    client = connect(token_registry.host, "pusher", password, ca=token_registry.tls.ca)
    with pytest.raises(StageError) as caught:
        client.check_push(image)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert "token server answers 401" in caught.value.message
    assert password not in caught.value.message


def test_a_token_server_without_tls_is_not_told_the_password(tls, connect, serve):
    def registry(request):
        request.send_response(401)
        request.send_header("WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{token_port}/token",service="s"')
        request.send_header("Content-Length", "0")
        request.end_headers()

    asked = []
    token_port = serve(lambda request: asked.append(request.path))
    host = f"localhost:{serve(registry, tls=tls)}"
    with pytest.raises(StageError, match="no token server with TLS"):
        connect(host, "user", "canary", ca=tls.ca).manifest(ImageReference(host, "a", "t", ""))
    assert asked == []


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"no", b'{"token": 1}', b'{"token": "a\\nb"}'])
def test_a_token_server_without_a_token_is_named(tls, connect, serve, answer):
    def both(request):
        is_token = request.path.startswith("/token")
        request.send_response(200 if is_token else 401)
        request.send_header("WWW-Authenticate", f'Bearer realm="https://{request.headers["Host"]}/token"')
        request.send_header("Content-Length", str(len(answer) if is_token else 0))
        request.end_headers()
        request.wfile.write(answer if is_token else b"")

    host = f"localhost:{serve(both, tls=tls)}"
    with pytest.raises(StageError, match="without a token") as caught:
        connect(host, "user", "canary", ca=tls.ca).manifest(ImageReference(host, "a", "t", ""))
    assert caught.value.reason == Reason.REGISTRY_UNAVAILABLE


def _manifest() -> Manifest:
    return Manifest(b"{}", MANIFEST_TYPES[0])
