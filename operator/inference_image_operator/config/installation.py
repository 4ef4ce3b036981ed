"""The configuration of one installation: what the administrator decides and no InferenceImage can change.

It is a YAML file that the chart mounts from a ConfigMap. Reading it is strict: an unknown or malformed key ends the
operator at its start with an error that names the key.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

from inference_image_contract.inputs import MAX_FILES
from inference_image_operator.api import BuildSpec, UFileSpec, parse_duration
from inference_image_operator.api.quantities import quantity
from inference_image_operator.config.regions import REGIONS, Region
from inference_image_operator.config.registries import Registries
from inference_image_operator.config.section import Section

Builder = Literal["Kaniko", "Append"]
_PROXY = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
_LONGEST_RESYNC = 600  # seconds; a lost watch event must not stay unnoticed for longer


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file, the key and what is wrong with it."""


def _seconds(key: str, text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from error


class Images(Section, frozen=True, kw_only=True):
    """Images of the steps, best by digest."""

    export: str
    export_onnx: str = ""
    """The export with the converter to ONNX; empty where nobody may ask for that."""
    build: str
    kaniko: str


class BaseImageRewrite(Section, frozen=True, kw_only=True, rename={"prefix": "from", "replacement": "to"}):
    """Base images below one registry or repository are pulled from below another that holds the same."""

    prefix: str
    replacement: str

    def __post_init__(self) -> None:
        """Refuses a rewrite that would concern every image, or lead nowhere."""
        if not self.prefix or not self.replacement:
            raise ValueError("each of `sources.baseImageRewrites` must have both `from` and `to`")


class Sources(Section, frozen=True, kw_only=True):
    """Where the code of images may come from, and what they are built on."""

    git_hosts: tuple[str, ...] = ()
    """Hosts (`host[:port]`) of Git repositories; none is allowed that is not listed."""
    inference_base: str = ""
    """The image from which a source without a Dockerfile is built; such a source is refused where this is empty."""
    base_image_rewrites: tuple[BaseImageRewrite, ...] = ()
    """The first that fits counts."""


class UFileEndpoint(Section, frozen=True, kw_only=True):
    """`{scheme}://{bucket}{suffix}/{key}`."""

    scheme: Literal["http", "https"]
    suffix: str


class UFileProxy(Section, frozen=True, kw_only=True):
    """The proxy through which the Jobs reach UFile, and what they reach without it."""

    url: str = ""
    """`http://host:port`, without credentials: it stands in every Job. Empty for none."""
    no_proxy: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what is no address of a proxy, or would put a password into every Job."""
        if self.url and not _PROXY.fullmatch(self.url):
            raise ValueError("`ufile.proxy.url` must be http(s)://host[:port], without user, password and path")


class UFileLimits(Section, frozen=True, kw_only=True):
    """What one transfer may have at most."""

    max_files: int = MAX_FILES
    max_bytes: str | int = "64Gi"
    """A quantity, as in Kubernetes."""

    def __post_init__(self) -> None:
        """Refuses limits that are no numbers, or let nothing pass."""
        if self.max_files < 1 or self.total() < 1:
            raise ValueError("`ufile.limits` must be at least 1")

    def total(self) -> int:
        """`max_bytes` as a number; raises ValueError when it is no quantity."""
        return int(quantity(self.max_bytes))


class RestoreWait(Section, frozen=True, kw_only=True):
    """How a restore of one tier is waited for."""

    every: str
    """Time between two looks."""
    deadline: str
    """After so many looks that they make up this time, the run ends."""

    def __post_init__(self) -> None:
        """Refuses times that are no durations, or that allow no look."""
        if not 1 <= self.seconds <= _seconds("deadline", self.deadline):
            raise ValueError(f"`every` is {self.every}, but must lie between 1s and `deadline`, {self.deadline}")

    @property
    def seconds(self) -> int:
        """Seconds between two looks."""
        return _seconds("every", self.every)

    @property
    def checks(self) -> int:
        """How often it is looked again."""
        return parse_duration(self.deadline) // self.seconds


class Restores(Section, frozen=True, kw_only=True):
    """How restores are waited for. US3 documents 15 minutes for an expedited one, 1 to 5 hours for a standard one."""

    expedited: RestoreWait = RestoreWait(every="2m", deadline="1h")
    standard: RestoreWait = RestoreWait(every="15m", deadline="12h")

    def of(self, tier: str) -> RestoreWait:
        """The times of a tier, `Expedited` or `Standard`."""
        return self.expedited if tier == "Expedited" else self.standard


class UFileConfig(Section, frozen=True, kw_only=True):
    """Which endpoints of US3 (formerly UFile) are allowed, the regions' and those listed, and how Jobs reach them."""

    network: Literal["Public", "Internal"] = "Public"
    """Through which a region is reached where the InferenceImage does not say."""
    regions: dict[str, Region] = msgspec.field(default_factory=lambda: dict(REGIONS))
    allowed_endpoints: tuple[UFileEndpoint, ...] = ()
    proxy: UFileProxy = UFileProxy()
    ca_config_map: str = ""
    """ConfigMap of each InferenceImage's namespace whose `ca.crt` is trusted for UFile instead of the public ones."""
    limits: UFileLimits = UFileLimits()
    restore: Restores = Restores()


class PullSecret(Section, frozen=True, kw_only=True):
    """A Secret of the InferenceImage's namespace that pulls the images of the steps."""

    name: str


class ContainerResources(Section, frozen=True, kw_only=True):
    """Requests and limits of one container, as in a pod."""

    requests: dict[str, str | int] = msgspec.field(default_factory=dict)
    limits: dict[str, str | int] = msgspec.field(default_factory=dict)


def _resources(cpu: str, memory: str, memory_limit: str) -> ContainerResources:
    return ContainerResources(requests={"cpu": cpu, "memory": memory}, limits={"memory": memory_limit})


class ContainerDefaults(Section, frozen=True, kw_only=True):
    """Resources of each container, where the InferenceImage does not ask for its own."""

    resolve: ContainerResources = _resources("100m", "128Mi", "256Mi")
    export: ContainerResources = _resources("1", "2Gi", "4Gi")
    assemble: ContainerResources = _resources("100m", "128Mi", "256Mi")
    kaniko: ContainerResources = _resources("500m", "512Mi", "2Gi")
    append: ContainerResources = _resources("500m", "64Mi", "128Mi")
    report: ContainerResources = _resources("50m", "64Mi", "128Mi")
    probe: ContainerResources = _resources("50m", "64Mi", "128Mi")
    publish: ContainerResources = _resources("50m", "64Mi", "128Mi")
    image: ContainerResources = _resources("500m", "1Gi", "3Gi")


class Maximum(Section, frozen=True, kw_only=True):
    """The most that one container may request or be limited to."""

    cpu: str | int = "8"
    memory: str | int = "16Gi"
    ephemeral_storage: str | int = "100Gi"


class Jobs(Section, frozen=True, kw_only=True):
    """How the pods of the steps are made."""

    image_pull_secrets: tuple[PullSecret, ...] = ()
    node_selector: dict[str, str] = msgspec.field(default_factory=lambda: {"kubernetes.io/arch": "amd64"})
    """Goes before what an InferenceImage asks for."""
    resources: ContainerDefaults = ContainerDefaults()
    maximum: Maximum = Maximum()
    pending_deadline: str = "10m"
    """A pod that does not start within this time ends its stage."""

    def __post_init__(self) -> None:
        """Refuses a deadline that is no duration."""
        _seconds("jobs.pendingDeadline", self.pending_deadline)


class Builders(Section, frozen=True, kw_only=True):
    """Which builders an InferenceImage may name, and the one that builds where it names none."""

    default: Builder = "Kaniko"
    allowed: tuple[Builder, ...] = ("Kaniko", "Append")

    def __post_init__(self) -> None:
        """Refuses a default that is not allowed."""
        if self.default not in self.allowed:
            raise ValueError(f"`builders.default` is {self.default}, which `builders.allowed` does not name")


class Scheduling(Section, frozen=True, kw_only=True):
    """Classes that an InferenceImage may name."""

    allowed_priority_classes: tuple[str, ...] = ()
    allowed_runtime_classes: tuple[str, ...] = ()


class Concurrency(Section, frozen=True, kw_only=True):
    """How many InferenceImages may have a pipeline at work, 0 for no limit. The others wait, the oldest first."""

    total: int = 0
    per_namespace: int = 0


class Probes(Section, frozen=True, kw_only=True):
    """Where the operator answers `/healthz` and `/readyz`."""

    port: int = 8081


class Config(Section, frozen=True, kw_only=True):
    """The whole configuration."""

    images: Images
    registries: Registries = Registries()
    sources: Sources = Sources()
    ufile: UFileConfig = UFileConfig()
    jobs: Jobs = Jobs()
    builders: Builders = Builders()
    scheduling: Scheduling = Scheduling()
    resync: str = "10m"
    watch_namespaces: tuple[str, ...] = ()
    """Empty watches all namespaces."""
    concurrency: Concurrency = Concurrency()
    workers: int = 8
    """InferenceImages that are worked on at the same time."""
    probes: Probes = Probes()

    def __post_init__(self) -> None:
        """Refuses a resync that is no duration or too rare, and a number of workers that does no work."""
        if not 1 <= _seconds("resync", self.resync) <= _LONGEST_RESYNC:
            raise ValueError(f"`resync` is {self.resync}, but must lie between 1s and {_LONGEST_RESYNC}s")
        if self.workers < 1:
            raise ValueError(f"`workers` is {self.workers}, but must be at least 1")

    def builder(self, build: BuildSpec) -> Builder:
        """Who builds: whom the InferenceImage names, else the installation's default."""
        return build.builder or self.builders.default

    def endpoint(self, ufile: UFileSpec) -> UFileEndpoint | None:
        """The endpoint that an InferenceImage asks for, None when this installation does not allow it.

        A region always resolves to the region's own endpoint; anything else must be listed, so that nobody can make
        a Job talk to an address of their choice.
        """
        if ufile.endpoint is None:
            region = self.ufile.regions.get(ufile.region, Region())
            scheme, host = region.address(self.network(ufile))
            return UFileEndpoint(scheme="https" if scheme == "https" else "http", suffix=f".{host}") if host else None
        asked = UFileEndpoint(scheme=ufile.endpoint.scheme, suffix=ufile.endpoint.suffix)
        return asked if asked in self.ufile.allowed_endpoints else None

    def network(self, ufile: UFileSpec) -> str:
        """Through which network a region is reached: what the InferenceImage says, else the installation."""
        return ufile.network or self.ufile.network


def parse(text: str) -> Config:
    """The configuration from YAML text.

    Raises ConfigError.
    """
    try:
        return msgspec.yaml.decode(text, type=Config)
    except msgspec.DecodeError as error:
        raise ConfigError(str(error)) from error


def load(path: Path) -> Config:
    """The configuration of the file at `path`.

    Raises ConfigError, also when the file cannot be read.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error
