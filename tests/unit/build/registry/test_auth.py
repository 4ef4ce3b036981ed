"""Docker's config.json and the challenges of registries."""

import base64
import json

import pytest

from inference_image_build.registry.auth import (
    Login,
    find_login,
    may_see_login,
    normalise_host,
    parse_challenge,
    read_logins,
    secrets,
)
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auths", "expected"),
    [
        ({"h.example": {"auth": b64("u:p")}}, {"h.example": Login("u", "p")}),
        ({"h.example:5000": {"username": "u", "password": "p"}}, {"h.example:5000": Login("u", "p")}),
        ({"https://h.example/v1/": {"auth": b64("u@x.cn:p:q:r")}}, {"h.example": Login("u@x.cn", "p:q:r")}),
        ({"https://index.docker.io/v1/": {"auth": b64("u:p")}}, {"docker.io": Login("u", "p")}),
        ({"h.example": {}}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_reads_logins(tmp_path, auths, expected):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": auths}))
    assert read_logins(path) == expected


def test_no_file_means_no_login(tmp_path):
    assert read_logins(tmp_path / "absent") == {}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"auths": []}', '{"auths": {"h": "canary"}}'),
        *('{"auths": {"h": {"auth": "canary!"}}}', '{"auths": {"h": {"auth": "canary-é"}}}'),
    ],
)
def test_a_malformed_file_is_refused_without_repeating_it(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(StageError) as caught:
        read_logins(path)
    assert caught.value.reason == Reason.INVALID_INPUT
    assert "spec.image.pushSecretRef" in caught.value.hint
    assert "canary" not in caught.value.message + caught.value.hint


def test_a_login_hides_its_password_and_names_it_as_a_secret():
    login = Login("u", "canary")
    assert "canary" not in repr(login)
    assert "canary" not in repr({"h": login})
    assert secrets({"h": login}) == ("canary", b64("u:canary"))


@pytest.mark.parametrize(
    ("key", "host"),
    [("H.example", "h.example"), ("http://h.example:80/path", "h.example:80"), ("registry-1.docker.io", "docker.io")],
)
def test_normalise_host(key, host):
    assert normalise_host(key) == host


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        ('Basic realm="x y"', "basic", {"realm": "x y"}),
        (
            'Bearer realm="https://t.example/token",service="s",scope="repository:a/b:pull,push",error=invalid_token',
            "bearer",
            {
                "realm": "https://t.example/token",
                "service": "s",
                "scope": "repository:a/b:pull,push",
                "error": "invalid_token",
            },
        ),
        ("", "", {}),
    ],
)
def test_parse_challenge(header, scheme, parameters):
    assert parse_challenge(header) == (scheme, parameters)


@pytest.mark.parametrize(
    ("registry", "server", "seen"),
    [
        ("uhub.ucloud.cn", "uhub.ucloud.cn", True),
        ("uhub.ucloud.cn:5000", "uhub.ucloud.cn", True),
        ("uhub.ucloud.cn", "auth.uhub.ucloud.cn", True),
        ("uhub.ucloud.cn", "auth.ucloud.cn:8443", True),
        ("UHUB.ucloud.cn", "Auth.UCloud.cn", True),
        ("docker.io", "auth.docker.io", True),
        ("localhost:5000", "localhost:5001", True),
        ("10.0.0.1:5000", "10.0.0.1", True),
        ("[::1]:5000", "[::1]:5001", True),
        ("uhub.ucloud.cn", "ucloud.cn.evil.example", False),
        ("uhub.ucloud.cn", "evilucloud.cn", False),
        ("uhub.ucloud.cn", "evil.example", False),
        ("uhub.ucloud.cn", "", False),
        ("registry.com.cn", "evil.com.cn", False),
        ("registry.co.uk", "evil.co.uk", False),
        ("registry.example", "evil.example", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "evil.0.0.1", False),
        ("localhost", "evil.localhost.example", False),
        ("uhub.ucloud.cn", "tokens.example:444", True),
        ("uhub.ucloud.cn", "tokens.example:445", False),
        ("uhub.ucloud.cn", "any.example:445", True),
        ("uhub.service.ucloud.cn", "uhub.ucloud.cn", True),
        ("uhub.service.ucloud.cn", "auth.ucloud.cn", True),
        ("uhub.service.ucloud.cn.evil.example", "uhub.ucloud.cn", False),
    ],
)
def test_which_token_server_may_see_a_login(registry, server, seen):
    assert may_see_login(registry, server, ("tokens.example:444", "Any.example"), RegistryNames()) is seen


@pytest.mark.parametrize(
    ("stored", "host", "user"),
    [
        (("uhub.ucloud.cn",), "uhub.ucloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn",), "uhub.service.ucloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn", "uhub.service.ucloud.cn"), "uhub.service.ucloud.cn", "uhub.service.ucloud.cn"),
        (("uhub.ucloud.cn",), "UHub.UCloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn",), "uhub.ucloud.cn:443", ""),
        (("docker.io",), "index.docker.io", "docker.io"),
    ],
)
def test_a_login_is_valid_for_every_name_of_its_registry(stored, host, user):
    found = find_login({name: Login(name, "secret") for name in stored}, host, RegistryNames())
    assert (found.user if found else "") == user
