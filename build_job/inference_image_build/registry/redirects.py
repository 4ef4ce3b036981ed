"""Which redirects are followed, and where uploads may go: decided by origin (RFC 6454). Pure.

The registry chooses these URLs. So the login never leaves its origin, https never becomes http, and data is only sent
to the registry itself or to a host that the installation lists.
"""

from collections.abc import Collection
from typing import NamedTuple

from inference_image_build.registry import errors as faults
from inference_image_build.registry.replies import is_redirect
from inference_image_contract import registry_hosts
from inference_image_contract.registry_hosts import Origin, Url
from inference_image_contract.registry_names import RegistryNames

MAX_REDIRECTS = 3
_KEEP_METHOD = frozenset({307, 308})
_API = "/v2/"


class Hosts(NamedTuple):
    """What the installation lists."""

    allowed: Collection[str]
    """Registries; empty for any."""
    plain: Collection[str]
    """Hosts without TLS, in canonical form."""
    token_servers: Collection[str]
    """Token servers on another domain that may receive a login."""
    names: RegistryNames
    """Which hosts are the same registry: a login for one is valid for all."""

    def origin(self, host: str) -> Origin:
        """The origin of a registry. Raises ValueError if the host is malformed."""
        return registry_hosts.registry(host, is_plain=registry_hosts.key(host) in self.plain)

    def origins(self, host: str) -> list[Origin]:
        """The origins of a registry under all its names, this one first."""
        return [self.origin(host), *(self.origin(name) for name in self.names.of(host) if name != host)]


class Answer(NamedTuple):
    """What decides about a redirect: the response's status and header `Location`, and the URL that was requested."""

    here: Url
    status: int
    location: str


def following(hosts: Hosts, host: str, method: str, answer: Answer) -> Url | None:
    """Where to send the request next; None if the response is the answer.

    A blob that answers HEAD with a redirect to another place exists, so that is an answer; a redirect within the
    registry's API is not. A request that changes something only follows 307 and 308 within the origin.
    Raises StageError: `RegistryTLS`, `RegistryUnavailable`.
    """
    here, status, location = answer
    if not is_redirect(status) or not location:
        return None
    if method == "HEAD":
        there = _parsed(location, here)
        within = there is not None and there.origin == here.origin and there.target.startswith(_API)
        return there if within else None
    if method == "GET":
        return _followed(hosts, host, here, location)
    there = _parsed(location, here)
    return there if status in _KEEP_METHOD and there and there.origin == here.origin else None


def upload_target(hosts: Hosts, host: str, here: Url, location: str) -> tuple[Url, bool]:
    """Where an upload goes, and whether the login goes there too.

    Raises StageError: `RegistryTLS`, `RegistryNotAllowed`, `RegistryUnavailable`.
    """
    there = _parsed(location, here)
    if there is None:
        raise faults.unavailable(host, f"it demands an upload to {faults.shown(location)}, which is no https:// URL")
    own = hosts.origins(host)
    if there.origin.scheme == "http" and own[0].scheme == "https":
        raise faults.without_tls(host, f"demands an upload to {faults.shown(str(there))}")
    if there.origin in own:
        return there, True
    if there.origin.scheme == "https" and hosts.allowed and hosts.names.listed(there.origin.host, hosts.allowed):
        return there, False
    raise faults.foreign_upload(host, str(there))


def _followed(hosts: Hosts, host: str, here: Url, location: str) -> Url:
    there = _parsed(location, here)
    if there is None:
        raise faults.unavailable(host, f"it redirects to {faults.shown(location)}, which has no TLS")
    is_plain = there.origin.scheme == "http"
    if is_plain and here.origin.scheme == "https":
        raise faults.without_tls(host, f"redirects to {faults.shown(str(there))}")
    if is_plain and there.origin != here.origin and registry_hosts.key(there.origin.host) not in hosts.plain:
        raise faults.unavailable(host, f"it redirects to {faults.shown(str(there))}, which has no TLS")
    return there


def _parsed(location: str, here: Url) -> Url | None:
    try:
        return registry_hosts.url(location, here)
    except ValueError:
        return None
