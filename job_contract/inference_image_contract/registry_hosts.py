"""Parses the hosts and URLs of registries. Checks, comparisons and requests use this parser alone. Pure.

A host is `name[:port]`. Its canonical form is lower case, without the port of https, with one name for Docker Hub. An
origin is that of RFC 6454: scheme, host and port. Whatever two parsers could read differently is malformed here.
"""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urljoin

DEFAULT_HOST = "docker.io"
"""The host of an image reference without one."""
DEFAULT_API_HOST = "registry-1.docker.io"
"""Where the registry of the default host answers."""
_DEFAULT_ALIASES = frozenset({"index.docker.io", DEFAULT_API_HOST})
_PORTS = {"https": 443, "http": 80}
_MAX_PORT = 65535
_HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*)(?P<target>[^#]*)(?:#.*)?", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\x21-\x7e]|\\")
"""Characters that parsers of URLs drop, convert or read differently."""


class Origin(NamedTuple):
    """The scheme and the host, which has a port exactly if it is not the scheme's own."""

    scheme: str
    host: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


class Url(NamedTuple):
    """An absolute http or https URL without user and fragment."""

    origin: Origin
    target: str
    """Path and query; begins with `/`."""

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def split(host: str, default: int = 0) -> tuple[str, int]:
    """The name in lower case and the port, or `default` without one. Raises ValueError if the host is malformed."""
    match = _HOST.fullmatch(host.lower())
    if not match:
        raise ValueError(f"malformed host {host[:100]!r}")
    name, port = match["name"], int(match["port"] or default)
    if port > _MAX_PORT or (match["port"] and not port):
        raise ValueError(f"malformed port in {host[:100]!r}")
    return (f"[{ipaddress.IPv6Address(name[1:-1])}]" if name.startswith("[") else name), port


def canonical(host: str) -> str:
    """The host in the form in which hosts are compared. Raises ValueError if it is malformed."""
    found = _joined(host, "https")
    return DEFAULT_HOST if found in _DEFAULT_ALIASES else found


def key(host: str) -> str:
    """As `canonical`; a malformed host only in lower case, so that it equals no other."""
    try:
        return canonical(host)
    except ValueError:
        return host.lower()


def registry(host: str, *, is_plain: bool) -> Origin:
    """The origin of a registry. Raises ValueError if the host is malformed."""
    scheme = "http" if is_plain else "https"
    found = canonical(host)
    return Origin(scheme, DEFAULT_API_HOST if found == DEFAULT_HOST else _joined(found, scheme))


def url(text: str, base: Url | None = None) -> Url:
    """The parts of a URL, which may be relative to `base`.

    Raises ValueError unless it is an http or https URL that every parser reads alike.
    """
    if _UNSAFE.search(text):
        raise ValueError("a character that a URL must not have")
    is_relative = base is not None and not _SCHEME.match(text)
    match = _URL.fullmatch(urljoin(str(base), text) if is_relative else text)
    if not match:
        raise ValueError("not an http or https URL")
    scheme, target = match["scheme"].lower(), match["target"]
    origin = Origin(scheme, _joined(match["host"], scheme))
    return Url(origin, target if target.startswith("/") else f"/{target}")


def _joined(host: str, scheme: str) -> str:
    name, port = split(host, _PORTS[scheme])
    return name if port == _PORTS[scheme] else f"{name}:{port}"
