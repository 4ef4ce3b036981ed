"""What Kaniko is given of the Secret, if it has a cache: the login for that alone, as it looks it up."""

import base64
import json

import pytest

from inference_image_build.registry import builder_login
from inference_image_contract import inputs
from inference_image_contract.errors import StageError

HUB = "https://index.docker.io/v1/"
HOST = "uhub.devcluster.test"


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def given(tmp_path):
    """given(auths, cache) -> key -> user:password, as Kaniko reads it."""

    def run(auths, cache=HOST):
        secret, target = tmp_path / "secret.json", tmp_path / "login/config.json"
        secret.write_text(json.dumps({"auths": auths}))
        target.parent.mkdir(exist_ok=True)
        builder_login.write(inputs.Registry(repository="target.test/demo/infer"), cache, secret, target)
        assert target.stat().st_mode & 0o777 == 0o440
        found = json.loads(target.read_text())["auths"]
        return {key: base64.b64decode(entry["auth"]).decode() for key, entry in found.items()}

    return run


@pytest.mark.parametrize(
    "key",
    [
        "uhub.devcluster.test",
        "UHUB.devcluster.test",
        "https://Uhub.devcluster.test/v1/",
        "http://uhub.devcluster.test/",
        "uhub.devcluster.test:443",
        "uhub.devcluster.test/demo",
    ],
)
def test_a_key_is_found_as_people_write_it(given, key):
    assert given({key: auth("u:p")}) == {HOST: "u:p"}


@pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "https://registry-1.docker.io", "Docker.io/v1/"])
def test_docker_hub_has_one_key(given, key):
    assert given({key: auth("u:p")}, "docker.io") == {HUB: "u:p"}


def test_a_login_for_another_name_of_the_registry_is_given_too(given):
    inside, outside = "uhub.service.ucloud.cn", "uhub.ucloud.cn"
    assert given({outside: auth("u:p")}, inside) == {inside: "u:p"}


def test_no_other_login_is_given(given):
    """A RUN can read the builder's file."""
    auths = {f"{name}.test": auth(f"{name}:p") for name in ("base", "mirror", "cache", "target", "production")}
    assert set(given(auths, "Cache.test:443")) == {"cache.test"}


def test_a_cache_without_a_login(given):
    assert given({"other.test": auth("u:p")}) == {}


def test_a_second_attempt_replaces_the_file(given):
    given({HOST: auth("u:old")})
    assert given({HOST: auth("u:new")}) == {HOST: "u:new"}


def test_a_malformed_secret_is_named(tmp_path):
    (tmp_path / "secret").write_text("{")
    with pytest.raises(StageError, match="dockerconfigjson"):
        builder_login.write(inputs.Registry(repository="h.test/a"), HOST, tmp_path / "secret", tmp_path / "target")
