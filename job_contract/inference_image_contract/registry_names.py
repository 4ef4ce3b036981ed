"""Which host names are one registry. Everything that compares the hosts of registries asks here. Pure.

A registry that has one name inside a network and another outside of it is still one: a login for it, a rule of the
installation and an image in it hold for each of its names.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

UHUB = ("uhub.service.ucloud.cn", "uhub.ucloud.cn")
"""UHub's name inside UCloud's network, and the one outside (UCloud documents: uai-inference, basic/uhub.md)."""
ALIASES = (UHUB,)
"""Names of one registry in groups, the preferred name first, where the installation lists none."""

T = TypeVar("T")


class RegistryNames:
    """The names of every registry. Hosts are compared without case; a port is part of the name."""

    def __init__(self, aliases: Iterable[Iterable[str]] = ALIASES, allowed: Collection[str] = ()) -> None:
        """`aliases` are groups of names; those that `allowed` lists are preferred to those that it does not."""
        listed = {host.lower() for host in allowed}
        self._names: dict[str, tuple[str, ...]] = {}
        for group in aliases:
            names = tuple(sorted((name.lower() for name in group), key=lambda name: name not in listed))
            self._names |= dict.fromkeys(names, names)

    def of(self, host: str) -> tuple[str, ...]:
        """Every name of the registry that has this one, the preferred first."""
        return self._names.get(host.lower(), (host.lower(),))

    def same(self, one: str, other: str) -> bool:
        """Whether both are names of one registry."""
        return one.lower() in self.of(other)

    def listed(self, host: str, hosts: Iterable[str]) -> bool:
        """Whether a list names this registry, under whichever name."""
        return any(self.same(host, other) for other in hosts)

    def find(self, host: str, by_host: Mapping[str, T]) -> T | None:
        """What a mapping has for exactly this name, else for another name of the same registry."""
        exact = {name.lower(): value for name, value in by_host.items()}
        return next((exact[name] for name in (host.lower(), *self.of(host)) if name in exact), None)

    def same_repository(self, one: str, other: str) -> bool:
        """Whether two repositories, as `host/path`, are one."""
        host, _, path = one.partition("/")
        other_host, _, other_path = other.partition("/")
        return path == other_path and self.same(host, other_host)

    def at(self, repository: str, host: str) -> str:
        """A repository, as `host/path`, under another name of its registry; unchanged where it is on another one."""
        own, slash, path = repository.partition("/")
        return f"{host}{slash}{path}" if host and self.same(own, host) else repository

    def is_uhub(self, host: str) -> bool:
        """Whether the registry is UCloud's UHub, whose documents say more about it than the protocol does."""
        return any(name in UHUB for name in self.of(host))
