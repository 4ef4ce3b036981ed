"""Redirects, upload locations and token servers at another origin: what is followed, and where the login goes.

Reports: distribution #996, #2296 and #760.
"""

import pytest

from inference_image_build.registry.manifests import MANIFEST_TYPES
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.registries.faulty import Answer
from tests.unit.build.registry.conftest import BASIC

ROW_47 = pytest.mark.row(
    47, "endpoints are listed, redirects not followed, realms and uploads at the same origin or listed"
)

DATA = b"hello"
TLS_HINT = "X-Forwarded-Proto"


@pytest.fixture
def login(faulty):
    """The registry asks for a login."""
    faulty.challenges = ('Basic realm="r"',)
    faulty.accepted = {BASIC}


def failure(action, *arguments, **more) -> StageError:
    with pytest.raises(StageError) as caught:
        action(*arguments, **more)
    return caught.value


def upload(client, faulty):
    """Uploads DATA; returns the bytes sent."""
    blob = faulty.push("elsewhere", DATA)
    return client.push_blob(faulty.image(), blob, lambda: iter((DATA,)))


# --- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    "location",
    [
        "/v2/a/b/blobs/uploads/u1?_state=x",
        "u1?_state=x",
        "https://{host}/v2/a/b/blobs/uploads/u1?_state=x",
        "HTTPS://LOCALHOST:{port}/v2/a/b/blobs/uploads/u1#x",
    ],
)
def test_an_upload_goes_to_the_registry_with_the_login(faulty, client, location):
    location = location.format(host=faulty.host, port=faulty.port)
    faulty.on("POST", "uploads", Answer(202, [("Location", location)]))
    assert upload(client(), faulty) == len(DATA)
    (put,) = faulty.sent("PUT")
    assert (put.scheme, put.authorization) == ("https", BASIC)
    assert put.path.startswith("/v2/a/b/blobs/uploads/u1?")


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    "location",
    [
        "http://{host}/v2/a/b/blobs/uploads/u1?_state=x",
        "HTTP://{host}/v2/a/b/blobs/uploads/u1",
        "http://store.example/u1",
    ],
)
def test_an_upload_from_https_to_http_is_refused_and_nothing_is_sent(faulty, client, location):
    """A proxy that ends TLS and does not say so to the registry."""
    faulty.on("POST", "uploads", Answer(202, [("Location", location.format(host=faulty.host))]))
    error = failure(upload, client(), faulty)
    assert error.reason == Reason.REGISTRY_TLS
    assert "no TLS" in error.message
    assert TLS_HINT in error.hint
    assert faulty.sent("PUT") == []
    assert {seen.scheme for seen in faulty.requests} == {"https"}


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize("uploads", [True, False])
def test_resolve_finds_it_before_the_build_if_this_client_uploads(faulty, client, uploads):
    """Kaniko's client keeps the scheme by itself."""
    faulty.on("POST", "uploads", Answer(202, [("Location", f"http://{faulty.host}/v2/a/b/blobs/uploads/u1")]))
    if uploads:
        assert failure(client().check_push, faulty.image(), uploads=True).reason == Reason.REGISTRY_TLS
    else:
        client().check_push(faulty.image())
        assert [seen.scheme for seen in faulty.sent("DELETE")] == ["https"]


@ROW_47
@pytest.mark.usefixtures("login")
def test_an_upload_to_another_origin_is_refused_and_nothing_is_sent(faulty, client, other):
    faulty.on("POST", "uploads", Answer(202, [("Location", f"https://{other.host}/upload?signature=canary")]))
    error = failure(upload, client(), faulty)
    assert error.reason == Reason.REGISTRY_NOT_ALLOWED
    assert other.host in error.message
    assert "config.registries.allowed" in error.hint
    assert "canary" not in error.message
    assert other.requests == []


@pytest.mark.usefixtures("login")
def test_a_listed_origin_gets_the_upload_without_the_login(faulty, client, other):
    faulty.on("POST", "uploads", Answer(202, [("Location", f"https://{other.host}/v2/x/blobs/uploads/1")]))
    assert upload(client(allowed_hosts=(faulty.host, other.host.upper())), faulty) == len(DATA)
    (put,) = other.requests
    assert (put.scheme, put.method, put.authorization) == ("https", "PUT", "")


@pytest.mark.parametrize("location", ["ftp://h.example/x", "https://evil\\@localhost/x", "https://u:p@h\t/x", "//a b/"])
def test_an_upload_to_no_url_is_refused(faulty, client, location):
    faulty.on("POST", "uploads", Answer(202, [("Location", location)]))
    assert failure(upload, client(), faulty).reason == Reason.REGISTRY_UNAVAILABLE
    assert faulty.sent("PUT") == []


def test_an_upload_without_a_location_is_reported(faulty, client):
    faulty.on("POST", "uploads", Answer(202))
    assert "does not say where" in failure(upload, client(), faulty).message


@pytest.mark.usefixtures("login", "no_waiting")
def test_an_upload_follows_a_redirect_within_the_registry(faulty, client):
    faulty.on("PUT", "uploads/1", Answer(307, [("Location", "/v2/a/b/blobs/uploads/2?_state=s")]), times=1)
    assert upload(client(), faulty) == len(DATA)
    assert [seen.authorization for seen in faulty.sent("PUT")] == [BASIC, BASIC]
    assert "uploads/2?_state=s&digest=sha256:" in faulty.sent("PUT")[1].path


@pytest.mark.usefixtures("login", "no_waiting")
@pytest.mark.parametrize(("scheme", "reason"), [("https", Reason.REGISTRY_NOT_ALLOWED), ("http", Reason.REGISTRY_TLS)])
def test_an_upload_does_not_follow_a_redirect_elsewhere(faulty, client, other, scheme, reason):
    faulty.on("PUT", "uploads", Answer(307, [("Location", f"{scheme}://{other.host}/u")]))
    assert failure(upload, client(), faulty).reason == reason
    assert other.requests == []


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirected_push_is_named_as_one(faulty, client, status):
    faulty.on("POST", "uploads", Answer(status, [("Location", "/v2/a/b/blobs/uploads")]))
    error = failure(client().check_push, faulty.image())
    assert f"{status} and redirects a push to '/v2/a/b/blobs/uploads'" in error.message


def test_a_push_follows_307_within_the_registry(faulty, client):
    faulty.redirect("POST", "/v2/a/b/blobs/uploads/$", "https://{host}/v2/real/b/blobs/uploads/")
    client().check_push(faulty.image())
    assert [seen.path for seen in faulty.sent("POST")] == ["/v2/a/b/blobs/uploads/", "/v2/real/b/blobs/uploads/"]


def test_a_mirror_that_accepts_no_push_is_named(faulty, client):
    body = b'{"errors":[{"code":"UNSUPPORTED","message":"pull through cache"}]}'
    faulty.on("POST", "uploads", Answer(405, (), body))
    error = failure(client().check_push, faulty.image())
    assert error.reason == Reason.REPOSITORY_NOT_FOUND
    assert "pull through cache" in error.message
    assert "mirror" in error.hint


# --- blobs and manifests ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["https://store.example/x", "http://store.example/x", "https://{host}/store/x?signature=1", "/store/x"]
)
def test_a_blob_that_is_redirected_exists(faulty, client, status, location):
    """A registry on object storage; the place is not asked, because its URL may be signed for GET alone."""
    faulty.on("HEAD", "blobs", Answer(status, [("Location", location.format(host=faulty.host))]))
    assert upload(client(), faulty) == 0
    assert [seen.method for seen in faulty.requests if seen.authorization] == ["HEAD"]


@pytest.mark.usefixtures("login")
def test_a_blob_that_is_redirected_within_the_registry_may_be_absent(faulty, client):
    faulty.redirect("HEAD", "/v2/a/b/blobs/sha256", "https://{host}/v2/real/b/blobs/sha256:0")
    assert upload(client(), faulty) == len(DATA)
    faulty.blobs["real/b"]["sha256:0"] = DATA
    assert upload(client(), faulty) == 0


@pytest.mark.usefixtures("login")
def test_a_manifest_is_followed_within_the_registry_with_the_login(faulty, client):
    manifest = faulty.push_image("real/b")
    faulty.redirect("GET", "/v2/a/b/manifests/1", "https://{host}/v2/real/b/manifests/1")
    assert client().manifest(faulty.image()) == manifest
    assert faulty.requests[-1].authorization == BASIC


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json", "text/plain; charset=utf-8", ""])
def test_a_manifest_is_followed_to_another_origin_without_the_login(faulty, client, other, kind):
    """The storage does not know its type."""
    manifest = faulty.push_image("a/b")
    faulty.redirect("GET", "manifests", f"https://{other.host}/store")
    other.on("GET", "/store", Answer(200, [("Content-Type", kind)], manifest.data))
    assert client().manifest(faulty.image()) == manifest
    assert manifest.media_type == MANIFEST_TYPES[1]
    assert [seen.authorization for seen in other.requests] == [""]


@ROW_47
@pytest.mark.usefixtures("login")
@pytest.mark.parametrize("status", [401, 403])
def test_another_origin_cannot_ask_for_the_login(faulty, client, other, status):
    faulty.redirect("GET", "manifests", f"https://{other.host}/store")
    other.on("GET", "/store", Answer(status, [("WWW-Authenticate", 'Basic realm="give me"')]))
    error = failure(client().manifest, faulty.image())
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert other.host in error.message
    assert [seen.authorization for seen in other.requests] == [""]


@pytest.mark.usefixtures("login")
def test_a_login_does_not_come_back_after_another_origin(faulty, client, other):
    faulty.redirect("GET", "manifests", f"https://{other.host}/store")
    other.redirect("GET", "/store", f"https://{faulty.host}/again")
    failure(client().manifest, faulty.image())
    assert {seen.authorization for seen in faulty.requests if seen.path == "/again"} == {""}


@pytest.mark.usefixtures("login")
def test_a_manifest_never_goes_from_https_to_http(faulty, client):
    faulty.redirect("GET", "manifests", "http://{host}/v2/real/b/manifests/1")
    error = failure(client(plain_http_hosts=(f"x{faulty.host}",)).manifest, faulty.image())
    assert error.reason == Reason.REGISTRY_TLS
    assert TLS_HINT in error.hint
    assert {seen.scheme for seen in faulty.requests} == {"https"}


def test_endless_redirects_end(faulty, client):
    faulty.redirect("GET", "manifests", "https://{host}/v2/a/b/manifests/1")
    assert "redirects more than" in failure(client().manifest, faulty.image()).message


def test_a_blob_is_read_from_another_origin_and_verified(faulty, client, other):
    blob = other.push("store", DATA)
    faulty.redirect("HEAD", "blobs", f"https://{other.host}/v2/store/blobs/{blob.digest}")
    faulty.redirect("GET", "blobs", f"https://{other.host}/v2/store/blobs/{blob.digest}")
    assert client().read_blob(faulty.image(), blob) == DATA
    other.blobs["store"][blob.digest] = b"HELLO"
    assert failure(client().read_blob, faulty.image(), blob).reason == Reason.DIGEST_INVALID


def test_a_plain_registry_is_followed_at_its_own_origin_and_to_tls_alone(faulty, client, other):
    manifest = faulty.push_image("a/b")
    ours = client(plain_http_hosts=(faulty.host.upper(),))
    faulty.redirect("GET", "manifests/1", "http://{host}/v2/a/b/manifests/" + manifest.digest)
    faulty.redirect("GET", "manifests/2", f"http://{other.host}/v2/a/b/manifests/1")
    faulty.redirect("GET", "manifests/3", f"https://{other.host}/v2/a/b/manifests/1")
    assert ours.manifest(faulty.image()) == manifest
    assert "no TLS" in failure(ours.manifest, faulty.image(tag="2")).message
    assert ours.manifest(faulty.image(tag="3")) is None
    assert [seen.scheme for seen in other.requests] == ["https"]


# --- token servers ---------------------------------------------------------------------------------------------------

BEARER = 'Bearer realm="https://{host}/token",service="s"'


@pytest.mark.parametrize(
    "challenges",
    [
        pytest.param([BEARER, 'Basic realm="Registry"'], id="bearer, basic"),
        pytest.param(['Basic realm="Registry"', BEARER], id="basic, bearer"),
        pytest.param([f'Basic realm="Registry", {BEARER}'], id="one header"),
        pytest.param([f'{BEARER},scope="repository:a/b:pull"'], id="scope"),
        pytest.param(['Bearer  realm="https://{host}/token" , service="s"'], id="spaces"),
        pytest.param(["Negotiate", 'Digest realm="https://evil.example/"', BEARER], id="unknown schemes"),
        pytest.param(['Bearer realm="https://evil.example/token"', BEARER], id="a server that must not see the login"),
        pytest.param(['Bearer realm="https://{host}/token#x",service="s"'], id="fragment"),
    ],
)
def test_the_challenge_that_is_understood_is_used_with_its_own_parameters(faulty, client, challenges):
    faulty.challenges, faulty.accepted = challenges, {"Bearer t"}
    faulty.push_image()
    assert client().manifest(faulty.image())
    (token,) = [seen for seen in faulty.requests if seen.path.startswith("/token")]
    assert (token.authorization, token.path) == (BASIC, "/token?service=s&scope=repository%3Aa%2Fb%3Apull")


@pytest.mark.parametrize(
    "challenges",
    [
        pytest.param(['Bearer realm="http://{host}/token"', 'Basic realm="Registry"'], id="token server without TLS"),
        pytest.param(['Bearer realm="https://evil.example/"', 'Basic realm="Registry"'], id="another domain"),
        pytest.param(["Negotiate", 'Basic realm="Registry"'], id="unknown scheme"),
    ],
)
def test_the_password_goes_to_the_registry_if_no_token_server_may_see_it(faulty, client, challenges):
    faulty.challenges, faulty.accepted = challenges, {BASIC}
    faulty.push_image()
    assert client().manifest(faulty.image())
    assert [seen.authorization for seen in faulty.requests] == ["", BASIC]


def test_a_token_server_without_tls_is_refused_with_the_cause(faulty, client):
    faulty.challenges = ('Bearer realm="http://{host}/service/token",service="harbor-registry"',)
    error = failure(client().manifest, faulty.image())
    assert error.reason == Reason.REGISTRY_TLS
    assert TLS_HINT in error.hint
    assert {(seen.scheme, seen.authorization) for seen in faulty.requests} == {("https", "")}


def test_a_plain_registry_may_have_a_plain_token_server(faulty, client):
    faulty.challenges, faulty.accepted = ('Bearer realm="http://{host}/token"',), {"Bearer t"}
    faulty.push_image()
    assert client(plain_http_hosts=(faulty.host,)).manifest(faulty.image())


@ROW_47
@pytest.mark.parametrize(
    "realm",
    [
        "http://evil\\\\@{host}/token",
        "https://me@{host}/token",
        "https://{host}\\\\.evil.example/",
        "https://[/",
        "/token",
    ],
)
def test_a_realm_that_parsers_read_differently_is_refused(faulty, client, realm):
    faulty.challenges = (f'Bearer realm="{realm}"',)
    error = failure(client().manifest, faulty.image())
    assert error.reason == Reason.REGISTRY_UNAVAILABLE
    assert "token server must be an https" in error.message
    assert [seen.authorization for seen in faulty.requests] == [""]


def test_a_redirected_token_server_gets_the_login_only_at_its_origin(faulty, client, other):
    faulty.challenges, faulty.accepted = (BEARER,), {"Bearer t"}
    faulty.push_image()
    faulty.redirect("GET", "^/token", f"https://{other.host}/token")
    assert client().manifest(faulty.image())
    assert [seen.authorization for seen in other.requests] == [""]


def test_without_a_known_challenge_the_login_stays_here(faulty, client):
    faulty.challenges = ("Negotiate", 'Digest realm="r"')
    assert failure(client().manifest, faulty.image()).reason == Reason.REGISTRY_UNAUTHORIZED
    assert [seen.authorization for seen in faulty.requests] == [""]
