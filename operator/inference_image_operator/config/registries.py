"""The section `registries` of the configuration: allowed registries, their aliases, mirrors and limits."""

import msgspec

from inference_image_contract import inputs, uhub
from inference_image_contract.registry_hosts import canonical, key
from inference_image_contract.registry_names import ALIASES, UHUB, RegistryNames
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.section import Section

_SEVERAL = 2


class RegistryLimits(Section, frozen=True, kw_only=True):
    """Limits of one registry; 0 for no limit."""

    max_tags: int = 0
    """Tags of one repository."""
    warn_tags: int = 0
    """Number of tags that causes a warning."""
    max_layer: str | int = 0
    """Compressed size of one layer, as a Kubernetes quantity."""

    def __post_init__(self) -> None:
        """Rejects a negative limit, and a warning above the limit."""
        if min(self.max_tags, self.warn_tags, self.layer_bytes()) < 0:
            raise ValueError("`registries.limits` must not be negative")
        if self.max_tags and self.warn_tags > self.max_tags:
            raise ValueError(f"`registries.limits`: `warnTags` {self.warn_tags} is above `maxTags` {self.max_tags}")

    def layer_bytes(self) -> int:
        """`max_layer` as a number. Raises ValueError if it is not a quantity."""
        return int(quantity(self.max_layer))


def _uhub_limits() -> dict[str, RegistryLimits]:
    return {UHUB[0]: RegistryLimits(max_tags=uhub.MAX_TAGS, warn_tags=uhub.WARN_TAGS, max_layer="5G")}


class Registries(Section, frozen=True, kw_only=True):
    """Registries (`host[:port]`) that images may be pushed to and built from."""

    allowed: tuple[str, ...] = UHUB
    plain_http: tuple[str, ...] = ()
    """Allowed registries and mirrors without TLS."""
    token_hosts: tuple[str, ...] = ()
    """Token servers on another domain that may receive a registry's login."""
    mirrors: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Registry -> mirrors (`host[:port]` or `host[:port]/path`) to try first for base images."""
    aliases: tuple[tuple[str, ...], ...] = ALIASES
    """Groups of names of the same registry, the preferred name first. A name in `allowed` precedes the others."""
    limits: dict[str, RegistryLimits] = msgspec.field(default_factory=_uhub_limits)
    """Limits by registry, under one of its names."""
    keep_content_tags: int = 50
    """How many unreferenced content tags a repository keeps, the newest ones; 0 keeps all."""
    delete_images: bool = False
    """Delete the images of old content tags too, not only the tags."""

    def __post_init__(self) -> None:
        """Rejects an empty list of registries, malformed hosts, ambiguous aliases, and hosts that are not allowed."""
        if not self.allowed:
            raise ValueError("`registries.allowed` must list at least one host")
        self._check_hosts()
        named = [key(name) for group in self.aliases for name in group]
        if len(set(named)) < len(named) or any(len(group) < _SEVERAL for group in self.aliases):
            raise ValueError("`registries.aliases` must be groups of two or more names, and must not repeat a name")
        for host in self.plain_http:
            if key(host) not in self.hosts:
                raise ValueError(f"`registries.plainHttp` lists {host!r}, which is not in `registries.allowed`")
        for host in self.mirrors:
            if not self.names.listed(host, self.allowed):
                raise ValueError(f"`registries.mirrors` lists {host!r}, which is not in `registries.allowed`")
        if self.keep_content_tags < 0:
            raise ValueError(f"`registries.keepContentTags` is {self.keep_content_tags}, but must not be negative")

    def _check_hosts(self) -> None:
        listed = {
            "allowed": self.allowed,
            "plainHttp": self.plain_http,
            "tokenHosts": self.token_hosts,
            "aliases": tuple(name for group in self.aliases for name in group),
            "mirrors": (
                *self.mirrors,
                *(mirror.partition("/")[0] for found in self.mirrors.values() for mirror in found),
            ),
            "limits": tuple(self.limits),
        }
        for name, hosts in listed.items():
            for host in hosts:
                try:
                    canonical(host)
                except ValueError as error:
                    raise ValueError(f"`registries.{name}` lists {host!r}, which is not host[:port]") from error

    @property
    def names(self) -> RegistryNames:
        """The aliases: which hosts are the same registry."""
        return RegistryNames(self.aliases, self.allowed)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that a step may contact: the allowed registries under all their names, and the mirrors."""
        allowed = (name for host in self.allowed for name in (key(host), *self.names.of(host)))
        mirrors = (key(mirror.partition("/")[0]) for found in self.mirrors.values() for mirror in found)
        return tuple(dict.fromkeys((*allowed, *mirrors)))

    def for_jobs(self, repository: str, additional: tuple[str, ...]) -> inputs.Registry:
        """The registry settings in a Job's input, for one image.

        Returns the default objects themselves so that msgspec omits them and the Job manifests stay unchanged.
        """
        limits = tuple(
            inputs.RegistryLimit(
                host=host, tags=limit.max_tags, warn_tags=limit.warn_tags, layer_bytes=limit.layer_bytes()
            )
            for host, limit in sorted(self.limits.items())
        )
        return inputs.Registry(
            repository=repository,
            allowed_hosts=self.allowed,
            plain_http_hosts=self.plain_http,
            token_hosts=self.token_hosts,
            mirrors=self.mirrors,
            additional_repositories=additional,
            aliases=ALIASES if self.aliases == ALIASES else self.aliases,
            limits=inputs.REGISTRY_LIMITS if limits == inputs.REGISTRY_LIMITS else limits,
        )
