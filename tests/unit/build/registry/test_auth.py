"""Docker's config.json: which login is for which registry, and what other clients are given."""

import base64
import json

import pytest

from inference_image_build.registry.auth import Login, config_json, find_login, normalise_host, read_logins, secrets
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
        ({"UHUB.devcluster.test": {"auth": b64("u:p")}}, {"uhub.devcluster.test": Login("u", "p")}),
        ({"H.example:443": {"auth": b64("u:p")}}, {"h.example": Login("u", "p")}),
        ({"h.example": {"auth": b64("u" * 60 + ":p")[:76] + "\n" + b64("u" * 60 + ":p")[76:] + "\n"}},
         {"h.example": Login("u" * 60, "p")}),
        ({"h.example/team": {"auth": b64("t:p")}, "H.example": {"auth": b64("u:p")}}, {"h.example": Login("u", "p")}),
        ({"h.example/team": {"auth": b64("t:p")}}, {"h.example": Login("t", "p")}),
        ({"H.example": {"auth": b64("u:1")}, "h.example": {"auth": b64("u:2")}}, {"h.example": Login("u", "2")}),
        ({"docker.io": {"auth": b64("u:1")}, "https://index.docker.io/v1/": {"auth": b64("u:2")}},
         {"docker.io": Login("u", "2")}),
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


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"auths": {"h.example": {}}, "credsStore": "desktop"}, "its `credsStore` names a program of the machine"),
        ({"credHelpers": {"h.example": "ecr-login"}}, "its `credHelpers` names a program of the machine"),
        (
            {"auths": {"h.example": {"auth": b64("00000000-0000-0000-0000-000000000000:"), "identitytoken": "canary"}}},
            "an identity token, which expires",
        ),
    ],
)
def test_a_file_whose_passwords_are_elsewhere_is_explained(tmp_path, document, what):
    """What `docker login` of Docker Desktop, of ECR's helper and of `az acr login` write."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StageError, match="it has no password") as caught:
        read_logins(path)
    assert what in caught.value.message
    assert "with a user and a password" in caught.value.hint
    path.write_text(json.dumps({**document, "auths": {"other.example": {"auth": b64("u:p")}}}))
    assert read_logins(path) == {"other.example": Login("u", "p")}


def test_a_login_hides_its_password_and_names_it_as_a_secret():
    login = Login("u", "canary")
    assert "canary" not in repr(login)
    assert "canary" not in repr({"h": login})
    assert secrets({"h": login}) == ("canary", b64("u:canary"))


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("H.example", "h.example"),
        ("HTTPS://H.example:443/v2/", "h.example"),
        ("http://h.example:80/path", "h.example:80"),
        ("registry-1.docker.io", "docker.io"),
        ("[0:0::1]:5000", "[::1]:5000"),
    ],
)
def test_normalise_host(key, host):
    assert normalise_host(key) == host


@pytest.mark.parametrize(
    ("stored", "host", "user"),
    [
        (("uhub.ucloud.cn",), "uhub.ucloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn",), "uhub.service.ucloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn", "uhub.service.ucloud.cn"), "uhub.service.ucloud.cn", "uhub.service.ucloud.cn"),
        (("uhub.ucloud.cn",), "UHub.UCloud.cn", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn",), "uhub.ucloud.cn:443", "uhub.ucloud.cn"),
        (("uhub.ucloud.cn",), "uhub.ucloud.cn:444", ""),
        (("docker.io",), "index.docker.io", "docker.io"),
    ],
)
def test_a_login_is_valid_for_every_name_of_its_registry(stored, host, user):
    found = find_login({name: Login(name, "secret") for name in stored}, host, RegistryNames())
    assert (found.user if found else "") == user


def test_other_clients_get_each_login_under_the_key_that_they_look_up(tmp_path):
    path = tmp_path / "config.json"
    logins = {"h.example:5000": Login("u", "p:q"), "docker.io": Login("me", "x")}
    path.write_text(config_json(logins))
    assert set(json.loads(path.read_text())["auths"]) == {"h.example:5000", "https://index.docker.io/v1/"}
    assert read_logins(path) == logins
