"""Which host names belong to the same registry. All comparisons of registry hosts go through this module. Pure.

A registry may have one name inside a network and another outside. Logins, rules of the installation and images apply
to all its names.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from inference_image_contract.registry_hosts import key

UHUB = ("uhub.service.ucloud.cn", "uhub.ucloud.cn")
"""UHub's name inside UCloud's network, and the one outside (UCloud documents: uai-inference, basic/uhub.md)."""
ALIASES = (UHUB,)
"""Names of one registry in groups, the preferred name first, when the installation lists none."""

T = TypeVar("T")


class RegistryNames:
    """The names of every registry, in their canonical form (`registry_hosts`)."""

    def __init__(self, aliases: Iterable[Iterable[str]] = ALIASES, allowed: Collection[str] = ()) -> None:
        """`aliases` are groups of names; names in `allowed` are preferred over the others."""
        listed = {key(host) for host in allowed}
        self._names: dict[str, tuple[str, ...]] = {}
        for group in aliases:
            names = tuple(sorted((key(name) for name in group), key=lambda name: name not in listed))
            self._names |= dict.fromkeys(names, names)

    def of(self, host: str) -> tuple[str, ...]:
        """Every name of the registry with this host, the preferred name first."""
        return self._names.get(key(host), (key(host),))

    def same(self, one: str, other: str) -> bool:
        """Whether both are names of the same registry."""
        return key(one) in self.of(other)

    def listed(self, host: str, hosts: Iterable[str]) -> bool:
        """Whether a list contains this registry, under any of its names."""
        return any(self.same(host, other) for other in hosts)

    def find(self, host: str, by_host: Mapping[str, T]) -> T | None:
        """The value for exactly this name, or else for another name of the same registry."""
        exact = {key(name): value for name, value in by_host.items()}
        return next((exact[name] for name in (key(host), *self.of(host)) if name in exact), None)

    def same_repository(self, one: str, other: str) -> bool:
        """Whether two repositories, as `host/path`, are the same."""
        host, _, path = one.partition("/")
        other_host, _, other_path = other.partition("/")
        return path == other_path and self.same(host, other_host)

    def at(self, repository: str, host: str) -> str:
        """The repository `host/path` under another name of its registry; unchanged if `host` is another registry."""
        own, slash, path = repository.partition("/")
        return f"{host}{slash}{path}" if host and self.same(own, host) else repository

    def is_uhub(self, host: str) -> bool:
        """Whether the registry is UCloud's UHub, which documents rules beyond the protocol."""
        return any(name in UHUB for name in self.of(host))
