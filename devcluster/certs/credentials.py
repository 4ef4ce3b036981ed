"""The stand-ins' credentials: generated once, stored in files that only their owner can read."""

import base64
import json
import secrets
from pathlib import Path

import bcrypt

from devcluster import settings
from devcluster.certs.pki import write_private

BCRYPT_ROUNDS = 5
"""Low, because the registry hashes on every request and protects only generated test data on a private network."""


def directory() -> Path:
    """The folder of the credentials."""
    return settings.STATE / "secrets"


def _token() -> dict[str, object]:
    return {"publicKey": "TOKEN_" + secrets.token_hex(16), "privateKey": secrets.token_hex(24)}


def _expired() -> dict[str, object]:
    temporary = {"publicKey": "STS." + secrets.token_hex(16), "privateKey": secrets.token_hex(24)}
    return temporary | {"securityToken": secrets.token_urlsafe(60), "expires": 1}


_NEW_PAIRS = (_token, _expired)
"""The pairs that the object store stand-in knows: a token, and expired temporary keys."""


def ensure() -> None:
    """Generates what is missing: the registry's password (with htpasswd and docker config) and the UFile keys."""
    password = directory() / "registry-password"
    if not password.exists():
        write_private(password, secrets.token_urlsafe(18).encode())
    keys = directory() / "ufile-keys.json"
    pairs = json.loads(keys.read_text()) if keys.exists() else []
    if len(pairs) < len(_NEW_PAIRS):
        pairs += [make() for make in _NEW_PAIRS[len(pairs) :]]
        write_private(keys, json.dumps(pairs).encode())
    hashed = bcrypt.hashpw(password.read_bytes(), bcrypt.gensalt(BCRYPT_ROUNDS, prefix=b"2a"))
    write_private(directory() / "htpasswd", f"{settings.REGISTRY_USER}:{hashed.decode()}\n".encode())
    write_private(docker_config(), docker_config_text().encode())


def trust_directory() -> Path:
    """Contains the registry's CA and nothing else, as `skopeo --dest-cert-dir` requires."""
    return settings.STATE / "pki" / "trust"


def docker_config() -> Path:
    """A docker config.json for the registry: the format of `skopeo --authfile` and of a dockerconfigjson Secret."""
    return directory() / "docker-config.json"


def docker_config_text() -> str:
    """The content of `docker_config()`."""
    login = f"{settings.REGISTRY_USER}:{registry_password()}"
    return json.dumps({"auths": {settings.REGISTRY_HOST: {"auth": base64.b64encode(login.encode()).decode()}}})


def registry_password() -> str:
    """The password of `settings.REGISTRY_USER`."""
    return (directory() / "registry-password").read_text()


def ufile_keys() -> tuple[str, str]:
    """The public and the private key of the object store stand-in."""
    keys = _pairs()[0]
    return keys["publicKey"], keys["privateKey"]


def expired_ufile_keys() -> dict[str, str]:
    """Expired temporary keys, in the form of a Secret."""
    return {name: value for name, value in _pairs()[1].items() if name != "expires"}


def _pairs() -> list[dict[str, str]]:
    pairs: list[dict[str, str]] = json.loads((directory() / "ufile-keys.json").read_text())
    return pairs
