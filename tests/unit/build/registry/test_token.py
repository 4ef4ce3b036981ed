"""Token authentication against a real registry and a token server: the right scope, a pull-only token, none at all."""

import pytest

from inference_image_build.registry.client import MANIFEST_TYPES, Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.registries.docker_registry import serve_registry
from tests.support.registries.tls import make_tls
from tests.support.registries.token_server import serve_tokens


@pytest.fixture
def image(token_registry) -> ImageReference:
    return ImageReference(token_registry.host, "demo/infer", "test", "")


def test_a_token_that_may_push_passes_the_check(token_registry, connect, image):
    client = connect(token_registry.host, "pusher", "secret-1", ca=token_registry.tls.ca)
    client.check_push(image)
    assert "repository:demo/infer:pull,push" in token_registry.scopes


def test_a_token_is_reused(token_registry, connect, image):
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


def test_a_token_server_without_tls_gets_no_password(tls, connect, serve):
    def registry(request):
        request.send_response(401)
        request.send_header("WWW-Authenticate", f'Bearer realm="http://127.0.0.1:{token_port}/token",service="s"')
        request.send_header("Content-Length", "0")
        request.end_headers()

    asked = []
    token_port = serve(lambda request: asked.append(request.path))
    host = f"localhost:{serve(registry, tls=tls)}"
    with pytest.raises(StageError, match=r"names the token server .* no TLS"):
        connect(host, "user", "canary", ca=tls.ca).manifest(ImageReference(host, "a", "t", ""))
    assert asked == []


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"no", b'{"token": 1}', b'{"token": "a\\nb"}'])
def test_a_token_server_that_returns_no_token_is_reported(tls, connect, serve, answer):
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


@pytest.fixture
def tokens(token_registry):
    """The token server, with its settings restored afterwards."""
    yield token_registry.tokens
    token_registry.tokens.lifetimes.clear()
    token_registry.tokens.rescope = None


EXPIRED = -600
"""Seconds; a registry tolerates a minute."""


def test_an_expired_token_is_replaced(token_registry, tokens, connect, image):
    client = connect(token_registry.host, "puller", "secret-2", ca=token_registry.tls.ca)
    tokens.lifetimes.append(EXPIRED)
    before = len(tokens.scopes)
    assert client.manifest(image) is None
    assert tokens.scopes[before:] == ["repository:demo/infer:pull"] * 2


def test_tokens_that_are_issued_expired_are_reported(token_registry, tokens, connect, image):
    tokens.lifetimes += [EXPIRED] * 9
    before = len(tokens.scopes)
    with pytest.raises(StageError, match="invalid or expired") as caught:
        connect(token_registry.host, "pusher", "secret-1", ca=token_registry.tls.ca).check_push(image)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert len(tokens.scopes) - before == 2 * 2, "asked no more often than that, to push and to read"


def test_a_token_of_another_scope_is_reported(token_registry, tokens, connect, image):
    tokens.rescope = lambda access: [entry | {"name": "somebody/else"} for entry in access]
    with pytest.raises(StageError, match="grants less") as caught:
        connect(token_registry.host, "pusher", "secret-1", ca=token_registry.tls.ca).check_push(image)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED


@pytest.fixture
def foreign_realm(tls, serve, token_registry):
    """A registry that names another host as its token server: the real one, by its IP address."""
    realm = token_registry.tokens.url.replace("localhost", "127.0.0.1")

    def registry(request):
        request.send_response(401)
        request.send_header("WWW-Authenticate", f'Bearer realm="{realm}",service="test service"')
        request.send_header("Content-Length", "0")
        request.end_headers()

    return f"localhost:{serve(registry, tls=tls)}", realm.split("/")[2]


def test_a_login_is_not_sent_to_another_domain(tls, connect, tokens, foreign_realm):
    host, server = foreign_realm
    before = len(tokens.authorizations)
    with pytest.raises(StageError, match="the login was not sent") as caught:
        connect(host, "user", "canary", ca=tls.ca).check_push(ImageReference(host, "a", "t", ""))
    assert caught.value.reason == Reason.REGISTRY_NOT_ALLOWED
    assert server in caught.value.message
    assert "config.registries.tokenHosts" in caught.value.hint
    assert tokens.authorizations[before:] == []


def test_a_listed_token_server_gets_the_login(foreign_tokens, connect, image):
    """A real registry whose token server is on another host."""
    host, server, tls = foreign_tokens
    client = connect(host, "pusher", "secret-1", ca=tls.ca, token_hosts=(server.url.split("/")[2],))
    client.check_push(image._replace(host=host))
    with pytest.raises(StageError, match="the login was not sent"):
        connect(host, "pusher", "secret-1", ca=tls.ca).check_push(image._replace(host=host))


def test_without_a_login_any_token_server_is_used(foreign_tokens, connect, image):
    host, server, tls = foreign_tokens
    with pytest.raises(StageError, match="without credentials: its token server grants less"):
        connect(host, ca=tls.ca).manifest(image._replace(host=host))
    assert server.authorizations[-1] == ""


@pytest.fixture
def foreign_tokens(tmp_path):
    both = make_tls(tmp_path / "tls", "localhost", "127.0.0.1")
    users = {("pusher", "secret-1"): ("pull", "push")}
    with (
        serve_tokens(both, users, host="127.0.0.1") as server,
        serve_registry(tmp_path, both, server.auth(both)) as host,
    ):
        yield host, server, both
