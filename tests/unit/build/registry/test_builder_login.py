"""What a builder with a client of its own is given of the Secret: the logins that it needs, as it looks them up."""

import base64
import json

import pytest

from inference_image_build.registry import builder_login
from inference_image_contract import inputs
from inference_image_contract.errors import StageError

DIGEST = "@sha256:" + "0" * 64
HUB = "https://index.docker.io/v1/"


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def given(tmp_path):
    """given(auths, *images, cache, **settings) -> key -> user:password, as the builder reads it."""

    def run(auths, *images, cache="", **settings):
        secret, target = tmp_path / "secret.json", tmp_path / "login/config.json"
        secret.write_text(json.dumps({"auths": auths}))
        target.parent.mkdir(exist_ok=True)
        where = inputs.Registry(**{"repository": "uhub.devcluster.test/demo/infer"} | settings)
        builder_login.write(where, [f"{image}{DIGEST}" for image in images], cache, secret, target)
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
    assert given({key: auth("u:p")}) == {"uhub.devcluster.test": "u:p"}


@pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "https://registry-1.docker.io", "Docker.io/v1/"])
def test_docker_hub_has_one_key(given, key):
    assert given({key: auth("u:p")}, "docker.io/library/python") == {HUB: "u:p"}


def test_a_login_is_given_for_every_name_of_its_registry_that_is_used(given):
    inside, outside = "uhub.service.ucloud.cn", "uhub.ucloud.cn"
    found = given({outside: auth("u:p")}, f"{outside}/a/base", repository=f"{inside}/a/b")
    assert found == {inside: "u:p", outside: "u:p"}


def test_logins_that_the_build_does_not_need_are_kept_from_it(given):
    """A RUN can read the builder's file."""
    auths = {f"{name}.test": auth(f"{name}:p") for name in ("base", "mirror", "cache", "target", "production")}
    found = given(
        auths,
        "base.test/a",
        cache="Cache.test:443",
        repository="target.test/a/b",
        mirrors={"base.test": ("mirror.test/x",)},
    )
    assert set(found) == {"base.test", "mirror.test", "cache.test", "target.test"}


def test_a_second_attempt_replaces_the_file(given):
    given({"uhub.devcluster.test": auth("u:old")})
    assert given({"uhub.devcluster.test": auth("u:new")}) == {"uhub.devcluster.test": "u:new"}


def test_a_malformed_secret_is_named(tmp_path):
    (tmp_path / "secret").write_text("{")
    with pytest.raises(StageError, match="dockerconfigjson"):
        builder_login.write(inputs.Registry(repository="h.test/a"), [], "", tmp_path / "secret", tmp_path / "target")
