"""The configuration's section `registries`: which there are, what they are called, what they take."""

import msgspec

from inference_image_contract import inputs, uhub
from inference_image_contract.registry_names import ALIASES, UHUB, RegistryNames
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.section import Section

_SEVERAL = 2


class RegistryLimits(Section, frozen=True, kw_only=True):
    """What one registry takes; 0 where it has no limit."""

    max_tags: int = 0
    """Tags of one repository."""
    warn_tags: int = 0
    """How many tags are worth a warning."""
    max_layer: str | int = 0
    """Size of one layer, compressed; a quantity, as in Kubernetes."""

    def __post_init__(self) -> None:
        """Refuses a limit that is no number, and a warning that would come too late."""
        if min(self.max_tags, self.warn_tags, self.layer_bytes()) < 0:
            raise ValueError("`registries.limits` must not be negative")
        if self.max_tags and self.warn_tags > self.max_tags:
            raise ValueError(f"`registries.limits`: `warnTags` {self.warn_tags} is above `maxTags` {self.max_tags}")

    def layer_bytes(self) -> int:
        """`max_layer` as a number; raises ValueError when it is no quantity."""
        return int(quantity(self.max_layer))


def _uhub_limits() -> dict[str, RegistryLimits]:
    return {UHUB[0]: RegistryLimits(max_tags=uhub.MAX_TAGS, warn_tags=uhub.WARN_TAGS, max_layer="5G")}


class Registries(Section, frozen=True, kw_only=True):
    """Registries (`host[:port]`) that images may be pushed to and built from."""

    allowed: tuple[str, ...] = UHUB
    plain_http: tuple[str, ...] = ()
    """Those of `allowed` and of the mirrors that are spoken to without TLS."""
    token_hosts: tuple[str, ...] = ()
    """Token servers that may be told a registry's login although they are on another domain."""
    mirrors: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Registry -> mirrors (`host[:port]` or `host[:port]/path`) that are asked for its base images first."""
    aliases: tuple[tuple[str, ...], ...] = ALIASES
    """Names of one registry in groups, the preferred name first; a name that `allowed` lists is preferred to others."""
    limits: dict[str, RegistryLimits] = msgspec.field(default_factory=_uhub_limits)
    """What registries take, each under one of its names."""
    keep_content_tags: int = 50
    """Content tags to which nobody refers that a repository keeps, the newest; 0 keeps all."""
    delete_images: bool = False
    """Whether the images of old content tags are deleted as well, not only the tags."""

    def __post_init__(self) -> None:
        """Refuses a list that would allow everything or nothing, and a name of two registries."""
        if not self.allowed:
            raise ValueError("`registries.allowed` must name at least one host")
        named = [name.lower() for group in self.aliases for name in group]
        if len(set(named)) < len(named) or any(len(group) < _SEVERAL for group in self.aliases):
            raise ValueError("`registries.aliases` must be groups of two names or more, and have no name twice")
        for host in self.plain_http:
            if host not in self.hosts:
                raise ValueError(f"`registries.plainHttp` names {host!r}, which `registries.allowed` does not")
        for host in self.mirrors:
            if not self.names.listed(host, self.allowed):
                raise ValueError(f"`registries.mirrors` names {host!r}, which `registries.allowed` does not")
        if self.keep_content_tags < 0:
            raise ValueError(f"`registries.keepContentTags` is {self.keep_content_tags}, but must not be negative")

    @property
    def names(self) -> RegistryNames:
        """Which hosts are one registry."""
        return RegistryNames(self.aliases, self.allowed)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that a step may talk to: the allowed registries under all their names, and the mirrors."""
        allowed = (name for host in self.allowed for name in (host, *self.names.of(host)))
        mirrors = (mirror.partition("/")[0] for found in self.mirrors.values() for mirror in found)
        return tuple(dict.fromkeys((*allowed, *mirrors)))

    def for_jobs(self, repository: str, additional: tuple[str, ...]) -> inputs.Registry:
        """What a Job is told of the registries of one image.

        Defaults are passed on as they are: an encoder leaves them out by identity, and Jobs stay what they were.
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
