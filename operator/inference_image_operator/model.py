"""The InferenceImage API in Python: spec and status as immutable Structs, with the defaults of the CRD.

The CRD (`crds/`) validates; this file only reads and writes. Every default here equals the schema's default, and a
test on a real API server holds them together. Fields that the CRD knows but still refuses are not here.
"""

import re
from typing import Any, Literal, TypeVar

import msgspec

GROUP = "uai.ucloud.cn"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "InferenceImage"
PLURAL = "inferenceimages"
REQUESTED_AT = f"{GROUP}/requestedAt"
"""Annotation: a new value examines everything again and starts a new attempt."""

InputType = Literal["image_tensor", "encoded_image_string_tensor", "tf_example"]
ConditionStatus = Literal["True", "False", "Unknown"]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every part of the object. Unknown fields are ignored: the API server has judged them already."""


# ---- spec ----------------------------------------------------------------------------------------------------------


class NameRef(Part, frozen=True, kw_only=True):
    """An object of the InferenceImage's own namespace, by name."""

    name: str


class Endpoint(Part, frozen=True, kw_only=True):
    """A UFile endpoint that is no region's: `{scheme}://{bucket}{suffix}/{key}`."""

    scheme: Literal["http", "https"] = "https"
    suffix: str
    """Starts with a dot; may end in `:port`."""


class UFileSpec(Part, frozen=True, kw_only=True):
    """Where the objects live. Exactly one of `region` and `endpoint` is set."""

    bucket: str
    region: str = ""
    endpoint: Endpoint | None = None
    secret_ref: NameRef
    """Secret with the keys `publicKey` and `privateKey`."""


class CheckpointSpec(Part, frozen=True, kw_only=True):
    """Which checkpoint of the training output."""

    step: int


class ModelSpec(Part, frozen=True, kw_only=True):
    """The training output."""

    prefix: str
    checkpoint: CheckpointSpec
    pipeline_config: str = "pipeline.config"
    """Key relative to `prefix`."""
    label_map: str
    """Full key."""


class Resources(Part, frozen=True, kw_only=True):
    """Requests and limits of one stage: `cpu`, `memory` and `ephemeral-storage` as Kubernetes quantities."""

    requests: dict[str, str | int] = {}
    limits: dict[str, str | int] = {}


class ExportSpec(Part, frozen=True, kw_only=True):
    """The export stage."""

    input_type: InputType = "image_tensor"
    output_prefix: str = "uai/object-export-output/"
    formats: tuple[str, ...] = ("FrozenGraph",)
    timeout: str = "30m"
    resources: Resources = Resources()


class UFileSource(Part, frozen=True, kw_only=True):
    """The build context is everything under a UFile prefix."""

    prefix: str


class KeyToPath(Part, frozen=True, kw_only=True):
    """A key of a ConfigMap and the path that it gets in the build context."""

    key: str
    path: str


class ConfigMapSource(Part, frozen=True, kw_only=True):
    """The build context is a ConfigMap: all its keys, or those in `items` under the paths given there."""

    name: str
    items: tuple[KeyToPath, ...] = ()


class SourceSpec(Part, frozen=True, kw_only=True):
    """The code of the image. Exactly one of `ufile` and `config_map` is set."""

    ufile: UFileSource | None = None
    config_map: ConfigMapSource | None = None
    dockerfile: str = "Dockerfile"
    checkpoint_dir: str = "code/checkpoint_dir"


class BuildSpec(Part, frozen=True, kw_only=True):
    """The build stage."""

    args: dict[str, str] = {}
    timeout: str = "1h"
    resources: Resources = Resources()


class ImageSpec(Part, frozen=True, kw_only=True):
    """What is pushed, and where."""

    repository: str
    tags: tuple[str, ...]
    push_secret_ref: NameRef | None = None
    """Secret of type `kubernetes.io/dockerconfigjson`."""
    ca_secret_ref: NameRef | None = None
    """Secret with the key `ca.crt`."""


class TestSpec(Part, frozen=True, kw_only=True):
    """How the built image is asked before its tags move."""

    __test__ = False  # not a test class, whatever pytest makes of its name

    enabled: bool = True
    sample: str = ""
    """Key of the picture that is sent; empty sends a drawn one."""
    port: int = 8080
    ready_path: str = "/initialized"
    path: str = "/service"
    timeout: str = "2m"


class RetrySpec(Part, frozen=True, kw_only=True):
    """How often a stage is tried again after a failure that may pass."""

    limit: int = 2


class Toleration(Part, frozen=True, kw_only=True):
    """As in a pod."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: int | None = None


class SchedulingSpec(Part, frozen=True, kw_only=True):
    """Where the pods of the stages may run. Classes must be allowed by the installation."""

    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    affinity: dict[str, Any] = {}
    priority_class_name: str = ""
    runtime_class_name: str = ""
    image_pull_secrets: tuple[NameRef, ...] = ()


class Spec(Part, frozen=True, kw_only=True):
    """The wish."""

    suspend: bool = False
    ufile: UFileSpec
    model: ModelSpec
    export: ExportSpec = ExportSpec()
    source: SourceSpec
    build: BuildSpec = BuildSpec()
    image: ImageSpec
    test: TestSpec = TestSpec()
    retry: RetrySpec = RetrySpec()
    ttl_after_finished: str = "24h"
    scheduling: SchedulingSpec = SchedulingSpec()


# ---- status --------------------------------------------------------------------------------------------------------
# Times are RFC 3339 in UTC, digests and hashes `sha256:<hex>` unless said otherwise, sizes bytes.


class Condition(Part, frozen=True, kw_only=True):
    """A condition of the API conventions."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int = 0


class RunStatus(Part, frozen=True, kw_only=True):
    """The run that this status reports: one pass through the stages for one wish."""

    input_hash: str
    """Hash of the spec's wish and of the request annotation."""
    generation: int
    """Generation of the object when the run began."""
    resolves: int = 1
    """How often the inputs were pinned in this run; more than once when they changed under it."""


class BuiltStatus(Part, frozen=True, kw_only=True):
    """The image of this run's content as the registry serves it, before its test and its tags."""

    digest: str
    size: int = 0


class CheckpointFile(Part, frozen=True, kw_only=True):
    """One file of the pinned checkpoint."""

    key: str
    size: int
    etag: str


class CheckpointStatus(Part, frozen=True, kw_only=True):
    """The pinned checkpoint."""

    step: int
    fingerprint: str
    """Hash of everything that enters the export."""
    files: tuple[CheckpointFile, ...] = ()
    """At most 64."""


class ManifestStatus(Part, frozen=True, kw_only=True):
    """The document in UFile that pins every input, and what the build must make room for."""

    key: str
    sha256: str
    """Hex."""
    context_bytes: int = 0
    base_bytes: int = 0


class FrozenGraphStatus(Part, frozen=True, kw_only=True):
    """The verified frozen graph in UFile."""

    key: str
    sha256: str
    """Hex."""
    size: int
    tensorflow: str = ""


class ImageStatus(Part, frozen=True, kw_only=True):
    """The published image."""

    reference: str
    """`repository@digest`."""
    digest: str
    tags: tuple[str, ...] = ()
    size: int = 0
    generation: int = 0
    """Generation of the object whose spec this image answers."""


class StageStatus(Part, frozen=True, kw_only=True):
    """The stage at work: the claim that is written before its Job is created."""

    name: str
    job: str = ""
    job_uid: str = msgspec.field(default="", name="jobUID")
    """Empty until the Job was seen to exist."""
    attempt: int = 0
    start_time: str = ""
    message: str = ""
    content: str = ""
    """Hash of what this stage works on; part of the Job's name."""
    failures: int = 0
    """Failed attempts that count against `spec.retry.limit`."""
    retry_at: str = ""
    """The next attempt starts no earlier."""


class LastFailure(Part, frozen=True, kw_only=True):
    """The newest failure; it outlives the pod."""

    stage: str
    job: str = ""
    reason: str
    message: str
    hint: str = ""
    log_tail: str = ""
    """At most 2 KiB, redacted."""
    time: str


class Timings(Part, frozen=True, kw_only=True):
    """How long each stage took, as a duration (`1m5s`), or `Reused`; empty if it did not run yet."""

    resolve: str = ""
    export: str = ""
    build: str = ""
    test: str = ""


class HistoryEntry(Part, frozen=True, kw_only=True):
    """An image that was published before."""

    digest: str
    content_hash: str
    step: int
    time: str


class Status(Part, frozen=True, kw_only=True):
    """What is."""

    observed_generation: int = -1
    last_handled_request: str = ""
    conditions: tuple[Condition, ...] = ()
    run: RunStatus | None = None
    checkpoint: CheckpointStatus | None = None
    content_hash: str = ""
    manifest: ManifestStatus | None = None
    frozen_graph: FrozenGraphStatus | None = None
    built: BuiltStatus | None = None
    image: ImageStatus | None = None
    stage: StageStatus | None = None
    last_failure: LastFailure | None = None
    timings: Timings | None = None
    history: tuple[HistoryEntry, ...] = ()
    """Newest first, at most 10."""


# ---- reading and writing -------------------------------------------------------------------------------------------

T = TypeVar("T", bound=Part)

_DURATION = re.compile(r"(?:[0-9]+(?:ms|s|m|h))+")
_DURATION_TERM = re.compile(r"([0-9]+)(ms|s|m|h)")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_NOT_CONTENT = frozenset({"suspend", "retry", "ttlAfterFinished"})


def read(kind: type[T], document: object) -> T:
    """A part of the object from its JSON form (`dict`).

    Raises msgspec.ValidationError, which names the field, when the document is not of this kind.
    """
    return msgspec.convert(document, kind)


def write(part: Part) -> dict[str, Any]:
    """The JSON form of a part, fields at their defaults left out where they are plain values."""
    document: dict[str, Any] = msgspec.to_builtins(part)
    return document


def parse_duration(text: str) -> int:
    """Seconds of a duration such as `1h30m`, rounded up.

    Raises ValueError when the text is no duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 30m or 1h30m")
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in _DURATION_TERM.findall(text))
    return -(-milliseconds // 1000)


def format_duration(seconds: float) -> str:
    """The duration as a person writes it: `45s`, `1m5s`, `2h0m3s`; whole seconds, never negative."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def normalised(spec: Spec) -> bytes:
    """Canonical JSON of what a spec asks for, for hashing.

    Values at their defaults are left out, so a field added later changes no hash until somebody uses it. What asks
    for no other result (`suspend`, `retry`, `ttlAfterFinished`) is left out as well.
    """
    document = {name: value for name, value in _set_fields(spec).items() if name not in _NOT_CONTENT}
    return msgspec.json.encode(document, order="sorted")


def _set_fields(part: Part) -> dict[str, Any]:
    return {
        field.encode_name: _plain(getattr(part, field.name))
        for field in msgspec.structs.fields(part)
        if getattr(part, field.name) != _default(field)
    }


def _plain(value: object) -> object:
    if isinstance(value, Part):
        return _set_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
