"""Registry credentials from a docker `config.json`, and the authentication challenges of registries.

Formats: https://docs.docker.com/reference/cli/docker/login/ and https://distribution.github.io/distribution/spec/auth/.
"""

import base64
import ipaddress
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from inference_image_build.registry.references import DEFAULT_HOST
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

_DEFAULT_HOST_ALIASES = frozenset({"index.docker.io", "registry-1.docker.io"})
_SUFFIX_LABELS = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
"""First labels of public suffixes that have two, such as `com.cn` and `co.uk`."""
_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class Login(NamedTuple):
    """A user and a password; the password never appears in `repr`."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"

    def basic(self) -> str:
        """The value of the header Authorization."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


class Challenge(NamedTuple):
    """A parsed `WWW-Authenticate`: the scheme in lower case and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def read_logins(path: Path) -> dict[str, Login]:
    """The logins of a docker `config.json` by host; none when there is no such file.

    Raises StageError (`InvalidInput`) when the file is malformed. The message repeats no part of it.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _malformed("it is not JSON") from error
    entries = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise _malformed("it has no object `auths`")
    return dict(_logins(entries))


def secrets(logins: Mapping[str, Login]) -> tuple[str, ...]:
    """Every value to redact."""
    return tuple(
        value for login in logins.values() for value in (login.password, login.basic().removeprefix("Basic ")) if value
    )


def normalise_host(key: str) -> str:
    """The host of a key such as `https://host/v1/` or `host/path`; the default registry has several names."""
    host = key.partition("://")[2] if "://" in key else key
    host = host.partition("/")[0].lower()
    return DEFAULT_HOST if host in _DEFAULT_HOST_ALIASES else host


def find_login(logins: Mapping[str, Login], host: str, names: RegistryNames) -> Login | None:
    """The login for this name of a registry, or else for another of its names."""
    return names.find(normalise_host(host), logins)


def parse_challenge(header: str) -> Challenge:
    """The challenge of a `WWW-Authenticate` header; the scheme is empty without a header."""
    scheme, _, rest = header.strip().partition(" ")
    parameters = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), parameters)


def may_see_login(registry: str, server: str, listed: Collection[str], names: RegistryNames) -> bool:
    """Whether a token server may receive the login of a registry: same host, same domain, or a listed host.

    One matching name of the registry is enough. The registry names its token server in a header, so a password must not
    follow it to any host. Domains are compared without the first label, and never at a public suffix of two labels such
    as `com.cn`.
    """
    there = _name(server)
    if {server.lower(), there} & {host.lower() for host in listed}:
        return True
    return any(_is_near(_name(name), there) for name in names.of(registry))


def _is_near(here: str, there: str) -> bool:
    if here == there:
        return True
    if _is_address(here) or _is_address(there):
        return False
    parent = here.partition(".")[2]
    return there.endswith(f".{here}") or (_is_domain(parent) and there.endswith(f".{parent}"))


def _name(host: str) -> str:
    """A host without its port."""
    return (urlsplit(f"//{host}").hostname or "").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_domain(name: str) -> bool:
    """Whether a domain has a single owner, judged by its form."""
    first, _, rest = name.partition(".")
    return bool(rest) and not ("." not in rest and first in _SUFFIX_LABELS)


def _logins(entries: Mapping[str, object]) -> Iterator[tuple[str, Login]]:
    for key, entry in entries.items():
        if not isinstance(entry, dict):
            raise _malformed("an entry of `auths` is not an object")
        user, password = entry.get("username"), entry.get("password")
        if not (isinstance(user, str) and isinstance(password, str)):
            user, password = _decode(entry.get("auth", ""))
        if user:
            yield normalise_host(key), Login(user, password)


def _decode(auth: object) -> tuple[str, str]:
    """User and password of the field `auth`, base64 of `user:password`."""
    try:
        text = base64.b64decode(auth if isinstance(auth, str) else "", validate=True).decode()
    except ValueError as error:  # not ASCII, not base64, not UTF-8
        raise _malformed("a field `auth` is not base64 of user:password") from error
    user, _, password = text.partition(":")
    return user, password


def _malformed(detail: str) -> StageError:
    return StageError(
        Reason.INVALID_INPUT,
        f"The registry credentials (.dockerconfigjson) cannot be read: {detail}.",
        f"Create the Secret of spec.image.pushSecretRef again (kubectl create secret docker-registry), {REQUEST_AGAIN}",
    )
