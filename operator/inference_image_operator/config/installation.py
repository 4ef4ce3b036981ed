"""The configuration of one installation: the administrator sets it, and no InferenceImage can change it.

It is a YAML file that the chart mounts from a ConfigMap. The parser is strict: with an unknown or malformed key, the
operator exits at its start with an error that names the key.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

from inference_image_contract.inputs import MAX_FILES
from inference_image_operator.api import BuildSpec, UFileSpec, parse_duration
from inference_image_operator.api.quantities import quantity
from inference_image_operator.api.rollout import Kind
from inference_image_operator.config.jobs import Jobs
from inference_image_operator.config.regions import REGIONS, Region
from inference_image_operator.config.registries import Registries
from inference_image_operator.config.section import Section, seconds

Builder = Literal["Kaniko", "Append"]
_PROXY = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
_OTLP = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
TRACES_PATH = "/v1/traces"
"""OTLP's path for traces."""
_LONGEST_RESYNC = 600  # seconds; a lost watch event stays unnoticed for at most this long


class ConfigError(Exception):
    """The configuration is invalid. The text names the file, the key and the error."""


class Images(Section, frozen=True, kw_only=True):
    """Images of the steps, preferably by digest."""

    export: str
    export_onnx: str = ""
    """The export image with the ONNX converter; empty to disable the format ONNX."""
    build: str
    kaniko: str


class BaseImageRewrite(Section, frozen=True, kw_only=True, rename={"prefix": "from", "replacement": "to"}):
    """Pulls the base images of one registry or repository from another one with the same content."""

    prefix: str
    replacement: str

    def __post_init__(self) -> None:
        """Rejects a rewrite of every image, or to nowhere."""
        if not self.prefix or not self.replacement:
            raise ValueError("each item of `sources.baseImageRewrites` must set both `from` and `to`")


class Sources(Section, frozen=True, kw_only=True):
    """Where sources may come from, and the base images that they use."""

    git_hosts: tuple[str, ...] = ()
    """Allowed hosts (`host[:port]`) of Git repositories."""
    inference_base: str = ""
    """The base image for sources without a Dockerfile; if empty, such sources are rejected."""
    base_image_rewrites: tuple[BaseImageRewrite, ...] = ()
    """The first match applies."""


class UFileEndpoint(Section, frozen=True, kw_only=True):
    """`{scheme}://{bucket}{suffix}/{key}`."""

    scheme: Literal["http", "https"]
    suffix: str


class UFileProxy(Section, frozen=True, kw_only=True):
    """The proxy through which the Jobs reach US3 (formerly UFile), and the hosts that they reach directly."""

    url: str = ""
    """`http://host:port`, without credentials, because every Job contains it. Empty for no proxy."""
    no_proxy: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Rejects an invalid address, and one with a password."""
        if self.url and not _PROXY.fullmatch(self.url):
            raise ValueError("`ufile.proxy.url` must be http(s)://host[:port], without user, password or path")


class UFileLimits(Section, frozen=True, kw_only=True):
    """Limits of one transfer."""

    max_files: int = MAX_FILES
    max_bytes: str | int = "64Gi"
    """A quantity, as in Kubernetes."""

    def __post_init__(self) -> None:
        """Rejects limits that are not numbers, or less than 1."""
        if self.max_files < 1 or self.total() < 1:
            raise ValueError("`ufile.limits` must be at least 1")

    def total(self) -> int:
        """`max_bytes` as a number. Raises ValueError if it is not a quantity."""
        return int(quantity(self.max_bytes))


class RestoreWait(Section, frozen=True, kw_only=True):
    """How the operator waits for a restore of one tier."""

    every: str
    """Time between two checks."""
    deadline: str
    """The run ends after as many checks as fit into this time."""

    def __post_init__(self) -> None:
        """Rejects times that are not durations, or that allow no check."""
        if not 1 <= self.seconds <= seconds("deadline", self.deadline):
            raise ValueError(f"`every` is {self.every}, but must be between 1s and `deadline`, {self.deadline}")

    @property
    def seconds(self) -> int:
        """Seconds between two checks."""
        return seconds("every", self.every)

    @property
    def checks(self) -> int:
        """Number of checks until the deadline."""
        return parse_duration(self.deadline) // self.seconds


class Restores(Section, frozen=True, kw_only=True):
    """How the operator waits for restores. US3 documents 15 minutes for Expedited and 1 to 5 hours for Standard."""

    expedited: RestoreWait = RestoreWait(every="2m", deadline="1h")
    standard: RestoreWait = RestoreWait(every="15m", deadline="12h")

    def of(self, tier: str) -> RestoreWait:
        """The settings of a tier, `Expedited` or `Standard`."""
        return self.expedited if tier == "Expedited" else self.standard


class UFileConfig(Section, frozen=True, kw_only=True):
    """The allowed endpoints of US3 (formerly UFile), and how Jobs reach them."""

    network: Literal["Public", "Internal"] = "Public"
    """The network to a region, unless the InferenceImage sets it."""
    regions: dict[str, Region] = msgspec.field(default_factory=lambda: dict(REGIONS))
    allowed_endpoints: tuple[UFileEndpoint, ...] = ()
    proxy: UFileProxy = UFileProxy()
    ca_config_map: str = ""
    """ConfigMap in each InferenceImage's namespace. Its `ca.crt` replaces the public CAs for US3."""
    limits: UFileLimits = UFileLimits()
    restore: Restores = Restores()


class Builders(Section, frozen=True, kw_only=True):
    """The builders that an InferenceImage may use, and the default."""

    default: Builder = "Kaniko"
    allowed: tuple[Builder, ...] = ("Kaniko", "Append")

    def __post_init__(self) -> None:
        """Rejects a default that is not allowed."""
        if self.default not in self.allowed:
            raise ValueError(f"`builders.default` is {self.default}, which `builders.allowed` does not list")


class Scheduling(Section, frozen=True, kw_only=True):
    """What `spec.scheduling` may name: the pods of the steps are pods of the operator on everybody's nodes."""

    allowed_priority_classes: tuple[str, ...] = ()
    allowed_runtime_classes: tuple[str, ...] = ()
    allowed_queues: tuple[str, ...] = ()
    """Kueue's LocalQueues."""
    allowed_toleration_keys: tuple[str, ...] = ()
    """Keys of taints. A toleration without a key tolerates every taint, also that of the control plane."""
    allow_affinity: bool = False


class Rollout(Section, frozen=True, kw_only=True):
    """What `spec.rollout` may hand images to. The chart gives the operator the rights for these kinds."""

    allowed: tuple[Kind, ...] = ()


class Concurrency(Section, frozen=True, kw_only=True):
    """How many InferenceImages may run a pipeline at once; 0 for no limit. The others wait, the oldest first."""

    total: int = 0
    per_namespace: int = 0


class Traces(Section, frozen=True, kw_only=True):
    """Where the traces of runs are sent."""

    endpoint: str = ""
    """Base URL of a receiver of OTLP over HTTP, without `/v1/traces`; empty to send none."""

    def __post_init__(self) -> None:
        """Rejects what is no base URL, and one with a password, because a ConfigMap contains it."""
        if self.endpoint and (not _OTLP.fullmatch(self.endpoint) or self.endpoint.rstrip("/").endswith(TRACES_PATH)):
            raise ValueError(f"`traces.endpoint` must be http(s)://host[:port][/path] without user and {TRACES_PATH}")

    @property
    def url(self) -> str:
        """The URL that traces are posted to."""
        return self.endpoint.rstrip("/") + TRACES_PATH


class Probes(Section, frozen=True, kw_only=True):
    """The port of `/healthz` and `/readyz`."""

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
    rollout: Rollout = Rollout()
    resync: str = "10m"
    installation: str = ""
    """The name with which this installation claims the objects that it serves; empty to claim none."""
    watch_namespaces: tuple[str, ...] = ()
    """Empty for all namespaces."""
    exclude_namespaces: tuple[str, ...] = ()
    """Namespaces that other installations serve."""
    watch_selector: str = ""
    """Label selector of the InferenceImages that this installation serves; empty for all."""
    concurrency: Concurrency = Concurrency()
    workers: int = 8
    """How many InferenceImages are reconciled at the same time."""
    traces: Traces = Traces()
    probes: Probes = Probes()

    def __post_init__(self) -> None:
        """Rejects a resync that is not a duration or too long, and less than one worker."""
        if not 1 <= seconds("resync", self.resync) <= _LONGEST_RESYNC:
            raise ValueError(f"`resync` is {self.resync}, but must be between 1s and {_LONGEST_RESYNC}s")
        if self.workers < 1:
            raise ValueError(f"`workers` is {self.workers}, but must be at least 1")

    def serves(self, namespace: str) -> bool:
        """Whether this installation serves the namespace."""
        watched = not self.watch_namespaces or namespace in self.watch_namespaces
        return watched and namespace not in self.exclude_namespaces

    def builder(self, build: BuildSpec) -> Builder:
        """The builder that the InferenceImage names, else the installation's default."""
        return build.builder or self.builders.default

    def endpoint(self, ufile: UFileSpec) -> UFileEndpoint | None:
        """The endpoint that an InferenceImage names; None if this installation does not allow it.

        A region resolves to its own endpoint. Any other endpoint must be listed, so that no InferenceImage can direct
        a Job to an arbitrary address.
        """
        if ufile.endpoint is None:
            region = self.ufile.regions.get(ufile.region, Region())
            scheme, host = region.address(self.network(ufile))
            return UFileEndpoint(scheme="https" if scheme == "https" else "http", suffix=f".{host}") if host else None
        asked = UFileEndpoint(scheme=ufile.endpoint.scheme, suffix=ufile.endpoint.suffix)
        return asked if asked in self.ufile.allowed_endpoints else None

    def network(self, ufile: UFileSpec) -> str:
        """The network to a region: the InferenceImage's setting, else the installation's."""
        return ufile.network or self.ufile.network


def parse(text: str) -> Config:
    """Parses the configuration from YAML text.

    Raises ConfigError.
    """
    try:
        return msgspec.yaml.decode(text, type=Config)
    except msgspec.DecodeError as error:
        raise ConfigError(str(error)) from error


def load(path: Path) -> Config:
    """Reads the configuration from the file at `path`.

    Raises ConfigError, also if the file is unreadable.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from error
