"""The stand-ins' credentials: generated once, completed for a newer version, accepted by the object store."""

import json

import pytest

from devcluster import settings
from devcluster.certs import credentials
from devcluster.ufile.protocol import accounts


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "STATE", tmp_path)
    (tmp_path / "secrets").mkdir()


def test_the_object_store_accepts_a_token_and_rejects_expired_temporary_keys():
    credentials.ensure()
    token, temporary = accounts.load(credentials.directory() / "ufile-keys.json")
    assert (token.public_key, token.private_key) == credentials.ufile_keys()
    assert token.public_key.startswith("TOKEN_")
    assert temporary.expires == 1
    wanted = {"publicKey": temporary.public_key, "privateKey": temporary.private_key}
    assert credentials.expired_ufile_keys() == wanted | {"securityToken": temporary.security_token}


def test_existing_keys_are_kept():
    keys = {"publicKey": "TOKEN_old", "privateKey": "old"}
    (credentials.directory() / "ufile-keys.json").write_text(json.dumps([keys]))
    for _ in range(2):
        credentials.ensure()
        assert credentials.ufile_keys() == ("TOKEN_old", "old")
    assert len(accounts.load(credentials.directory() / "ufile-keys.json")) == 2
