"""The authentication challenges of registries, and which token server may see a login. Pure.

Formats: RFC 9110, sections 5.6 and 11.6.1, and https://distribution.github.io/distribution/spec/auth/.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from inference_image_contract.registry_hosts import split
from inference_image_contract.registry_names import RegistryNames

BEARER, BASIC = "bearer", "basic"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))')
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|(?=,|$))")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_SEPARATOR = re.compile(r"[ \t,]*")
_REST = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,])*')
_MAX_HEADER = 4096
_SUFFIX_LABELS = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
"""First labels of public suffixes that have two, such as `com.cn` and `co.uk`."""


class Challenge(NamedTuple):
    """A challenge: the scheme in lower case and its own parameters."""

    scheme: str
    parameters: Mapping[str, str]


def parse(headers: Iterable[str]) -> list[Challenge]:
    """Every challenge of the headers `WWW-Authenticate`; one may have several. Malformed parts are skipped."""
    return [challenge for header in headers for challenge in _challenges(header[:_MAX_HEADER])]


def understood(found: Iterable[Challenge]) -> list[Challenge]:
    """The challenges of schemes that this client implements, tokens first: they give away the least."""
    known = [challenge for challenge in found if challenge.scheme in {BEARER, BASIC}]
    return sorted(known, key=lambda challenge: challenge.scheme == BASIC)


def may_see_login(registry: str, server: str, listed: Collection[str], names: RegistryNames) -> bool:
    """Whether a token server may receive the login of a registry: same host, same domain, or a listed host.

    One matching name of the registry is enough. The registry names its token server in a header, so a password must not
    follow it to any host. Domains are compared without the first label, and never at a public suffix of two labels such
    as `com.cn`. A listed host with a port stands for this port alone.
    """
    there, port = _parts(server, 443)
    if there and any(_parts(host) in {(there, 0), (there, port)} for host in listed):
        return True
    return any(_is_near(_parts(name)[0], there) for name in names.of(registry))


def _challenges(text: str) -> Iterator[Challenge]:
    """A list of schemes and parameters, separated by commas; a parameter belongs to the scheme before it."""
    scheme, parameters = "", dict[str, str]()
    at = 0
    while (at := _after(_SEPARATOR, text, at)) < len(text):
        if match := _PARAMETER.match(text, at):
            quoted = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
            parameters.setdefault(match[1].lower(), quoted)
            at = match.end()
        elif match := _SCHEME.match(text, at):
            if scheme:
                yield Challenge(scheme, parameters)
            scheme, parameters = match[1].lower(), {}
            at = match.end()
            if not _PARAMETER.match(text, at):
                at = _after(_TOKEN68, text, at)
        else:
            at = max(_after(_REST, text, at), at + 1)
    if scheme:
        yield Challenge(scheme, parameters)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _parts(host: str, default: int = 0) -> tuple[str, int]:
    """Name and port; an empty name if the host is malformed."""
    try:
        return split(host, default)
    except ValueError:
        return "", 0


def _is_near(here: str, there: str) -> bool:
    if here == there:
        return bool(here)
    if not here or not there or _is_address(here) or _is_address(there):
        return False
    parent = here.partition(".")[2]
    return there.endswith(f".{here}") or (_is_domain(parent) and there.endswith(f".{parent}"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_domain(name: str) -> bool:
    """Whether a domain has a single owner, judged by its form."""
    first, _, rest = name.partition(".")
    return bool(rest) and not ("." not in rest and first in _SUFFIX_LABELS)
