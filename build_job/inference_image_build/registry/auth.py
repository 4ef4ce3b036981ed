"""Registry credentials from a docker `config.json`.

Format: https://docs.docker.com/reference/cli/docker/login/.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_hosts import DEFAULT_HOST, key
from inference_image_contract.registry_names import RegistryNames

MAX_CONFIG = 1024 * 1024
"""Bytes of the file: those of a Secret."""
DEFAULT_KEY = "https://index.docker.io/v1/"
"""The key of the default registry in these files."""


class Login(NamedTuple):
    """A user and a password; the password never appears in `repr`."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"

    def basic(self) -> str:
        """The value of the header Authorization."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


def read_logins(path: Path) -> dict[str, Login]:
    """The logins of a docker `config.json` in a Secret, by canonical host; none when there is no such file.

    Raises StageError (`InvalidInput`) when the file is malformed, or when it has no login because a program keeps the
    passwords. The message repeats no part of it.
    """
    try:
        document = untrusted_json.read(path.read_bytes(), max_bytes=MAX_CONFIG)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _malformed("it is not JSON") from error
    document = document if isinstance(document, dict) else {}
    kept_elsewhere, entries = _kept_elsewhere(document), document.get("auths")
    if not isinstance(entries, dict):
        raise _malformed(kept_elsewhere or "it has no object `auths`")
    found = logins_of(entries)
    if kept_elsewhere and not found:
        raise _malformed(kept_elsewhere)
    return found


def logins_of(entries: Mapping[str, object]) -> dict[str, Login]:
    """The logins of an object `auths`, by canonical host.

    Of several keys for one host, the one that docker writes is used, then the first without a path.
    Raises StageError (`InvalidInput`) when an entry is malformed.
    """
    found: dict[str, Login] = {}
    for name, login in sorted(_logins(entries), key=lambda entry: _rank(entry[0])):
        found.setdefault(normalise_host(name), login)
    return found


def config_json(logins: Mapping[str, Login]) -> str:
    """A docker `config.json` with these logins, by canonical host, in the form that other clients look up."""
    auths = {
        DEFAULT_KEY if host == DEFAULT_HOST else host: {"auth": login.basic().removeprefix("Basic ")}
        for host, login in sorted(logins.items())
    }
    return json.dumps({"auths": auths})


def secrets(logins: Mapping[str, Login]) -> tuple[str, ...]:
    """Every value to redact."""
    return tuple(
        value for login in logins.values() for value in (login.password, login.basic().removeprefix("Basic ")) if value
    )


def normalise_host(text: str) -> str:
    """The canonical host of a key such as `https://host/v1/` or `host/path`."""
    return key(_host_and_path(text)[0])


def find_login(logins: Mapping[str, Login], host: str, names: RegistryNames) -> Login | None:
    """The login for this name of a registry, or else for another of its names."""
    return names.find(host, logins)


def _logins(entries: Mapping[str, object]) -> Iterator[tuple[str, Login]]:
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise _malformed("an entry of `auths` is not an object")
        user, password = entry.get("username"), entry.get("password")
        if not (isinstance(user, str) and isinstance(password, str)):
            user, password = _decode(entry.get("auth", ""))
        if user and not (entry.get("identitytoken") and not password):
            yield name, Login(user, password)


def _kept_elsewhere(document: Mapping[str, object]) -> str:
    """Why there may be no password in the file, as a clause; empty when nothing says so."""
    for name in ("credsStore", "credHelpers"):
        if document.get(name):
            return f"it has no password, because its `{name}` names a program of the machine that keeps the passwords"
    entries = document.get("auths")
    logins = entries.values() if isinstance(entries, dict) else ()
    if any(isinstance(entry, dict) and entry.get("identitytoken") for entry in logins):
        return "it has no password, but an identity token, which expires"
    return ""


def _host_and_path(text: str) -> tuple[str, str]:
    """A key without its scheme; the paths `/`, `/v1/` and `/v2/` stand for the whole registry."""
    host, _, path = text.strip().rpartition("://")[2].partition("/")
    return host, path.removeprefix("v1").removeprefix("v2").strip("/")


def _rank(text: str) -> tuple[bool, bool, bool]:
    """Orders the keys of one host."""
    host, path = _host_and_path(text)
    return bool(path), text != DEFAULT_KEY, host != normalise_host(text)


def _decode(auth: object) -> tuple[str, str]:
    """User and password of the field `auth`, base64 of `user:password`."""
    try:
        encoded = "".join(auth.split()) if isinstance(auth, str) else ""  # base64(1) wraps its lines
        text = base64.b64decode(encoded, validate=True).decode()
    except ValueError as error:  # not ASCII, not base64, not UTF-8
        raise _malformed("a field `auth` is not base64 of user:password") from error
    user, _, password = text.partition(":")
    return user, password


def _malformed(detail: str) -> StageError:
    return StageError(
        Reason.INVALID_INPUT,
        f"The registry credentials (.dockerconfigjson) cannot be read: {detail}.",
        "Create the Secret of spec.image.pushSecretRef again, with a user and a password (kubectl create secret "
        f"docker-registry), {REQUEST_AGAIN}",
    )
