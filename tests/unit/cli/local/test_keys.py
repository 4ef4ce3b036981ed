"""The UFile keys: read from the Jobs' environment variables or from a file, and never printed."""

from pathlib import Path

import pytest

from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV, SECURITY_TOKEN_ENV
from inference_image_store import Credentials
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local import keys


def test_keys_come_from_the_jobs_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC_KEY_ENV, "pub\n")
    monkeypatch.setenv(PRIVATE_KEY_ENV, "priv")
    assert keys.read() == Credentials("pub", "priv")
    wanted = {PUBLIC_KEY_ENV: "pub", PRIVATE_KEY_ENV: "priv", SECURITY_TOKEN_ENV: ""}
    assert keys.environment(keys.read()) == wanted


def test_temporary_keys_have_a_security_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PUBLIC_KEY_ENV, "STS.pub")
    monkeypatch.setenv(PRIVATE_KEY_ENV, "priv")
    monkeypatch.setenv(SECURITY_TOKEN_ENV, "token\n")
    assert keys.read() == Credentials("STS.pub", "priv", "token")
    assert keys.environment(keys.read())[SECURITY_TOKEN_ENV] == "token"
    path = tmp_path / "keys.yaml"
    path.write_text("publicKey: STS.pub\nprivateKey: priv\nsecurityToken: another\n")
    assert keys.read(str(path)) == Credentials("STS.pub", "priv", "another")


def test_a_file_overrides_the_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PUBLIC_KEY_ENV, "other")
    path = tmp_path / "keys.yaml"
    path.write_text("publicKey: pub\nprivateKey: priv\n")
    assert keys.read(str(path)) == Credentials("pub", "priv")


@pytest.mark.parametrize(("public", "private"), [("", "priv"), ("pub", None), ("pub", "a\nb"), ("pub", "ä")])
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, public: str, private: str | None) -> None:
    monkeypatch.setenv(PUBLIC_KEY_ENV, public)
    monkeypatch.delenv(PRIVATE_KEY_ENV, raising=False)
    if private is not None:
        monkeypatch.setenv(PRIVATE_KEY_ENV, private)
    with pytest.raises(CommandError, match=r"UFILE_P[A-Z_]* is missing or invalid\. Set UFILE_PUBLIC_KEY and"):
        keys.read()


@pytest.mark.parametrize(
    "text", ["publicKey: pub\n", "publicKey: pub\nprivateKey: 7\n", "[1]", "", "a: b\n---\nc: d\n"]
)
def test_a_file_without_keys_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(CommandError, match=r"keys\.yaml (contains no|is not one)"):
        keys.read(str(path))
