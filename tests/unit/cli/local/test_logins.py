"""Registry logins: which files, in which order, and that only the login is passed on."""

import base64
import json
from pathlib import Path

import pytest

from inference_image_build.registry.auth import Login
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import logins

HELPER = """\
#!/bin/sh
read host
echo "$host" >> {log}
[ "$host" = known.test ] || [ "$host" = {default} ] || exit 1
echo '{{"ServerURL": "x", "Username": "{user}", "Secret": "from-helper"}}'
"""


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def file(path: Path, **document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def helper(folder: Path, user: str = "me") -> None:
    program = folder / "docker-credential-test"
    program.write_text(HELPER.format(log=folder / "asked", default=logins.DEFAULT_KEY, user=user))
    program.chmod(0o755)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


def test_the_engines_own_file_goes_first(home: Path) -> None:
    docker = file(home / ".docker/config.json", auths={"a.test": auth("docker", "1"), "b.test": auth("docker", "2")})
    podman = file(home / "run/containers/auth.json", auths={"a.test": auth("podman", "3")})
    assert logins.files("docker") == (docker, podman)
    assert logins.files("podman") == (podman, docker)
    found = logins.collect(("a.test", "b.test"), logins.files("podman"))
    assert found == {"a.test": Login("podman", "3"), "b.test": Login("docker", "2")}


def test_the_variables_of_both_engines_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker, podman = file(home / "d/config.json", auths={}), file(home / "p.json", auths={})
    monkeypatch.setenv("DOCKER_CONFIG", str(docker.parent))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(podman))
    assert logins.files("docker") == (docker, podman)


def test_a_chosen_file_is_the_only_one(home: Path) -> None:
    file(home / ".docker/config.json", auths={"a.test": auth("docker", "1")})
    chosen = file(home / "chosen.json", auths={})
    assert logins.collect(("a.test",), logins.files("docker", str(chosen))) == {}


def test_no_file_is_no_login(home: Path) -> None:
    assert logins.collect(("a.test",), logins.files("docker")) == {}


@pytest.mark.parametrize("settings", [{"credsStore": "test"}, {"credHelpers": {"known.test": "test"}}], ids=str)
def test_a_credential_helper_is_used(home: Path, monkeypatch: pytest.MonkeyPatch, settings: dict) -> None:
    helper(home)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    path = file(home / ".docker/config.json", auths={"known.test": {}}, **settings)
    assert logins.collect(("known.test", "other.test"), [path]) == {"known.test": Login("me", "from-helper")}


def test_a_helper_knows_the_default_registry_by_another_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    path = file(home / ".docker/config.json", credsStore="test")
    assert logins.collect(("docker.io",), [path]) == {"docker.io": Login("me", "from-helper")}
    assert (home / "asked").read_text() == f"{logins.DEFAULT_KEY}\n"


def test_a_token_in_place_of_a_user_is_no_login(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home, user="<token>")
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    assert logins.collect(("known.test",), [file(home / "c.json", credsStore="test")]) == {}


@pytest.mark.parametrize("name", ["absent", "../../bin/sh", "a b", ""])
def test_an_invalid_helper_is_no_login(home: Path, name: str) -> None:
    assert logins.collect(("known.test",), [file(home / "c.json", credsStore=name)]) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"auths": {"a": {"auth": "secret-é"}}}', "log in again"),
    ],
)
def test_an_invalid_file_is_named_and_not_repeated(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(CommandError, match=f"config.json cannot be read: {why}") as error:
        logins.collect(("a",), [path])
    assert "secret" not in str(error.value)


def test_the_written_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "home/.docker/config.json"
    logins.write({"a.test": Login("u", "p"), "docker.io": Login("d", "q")}, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"auths": {"a.test": auth("u", "p"), logins.DEFAULT_KEY: auth("d", "q")}}
