"""The spec: the desired state, with the defaults of the CRD."""

from functools import cache
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from inference_image_operator.api.durations import parse_duration
from inference_image_operator.api.part import NameRef, Part
from inference_image_operator.api.pods import PodMetadata, Resources, SchedulingSpec, StepResources
from inference_image_operator.api.rollout import RolloutSpec
from inference_image_operator.api.source import SourceSpec

InputType = Literal["image_tensor", "encoded_image_string_tensor", "tf_example"]
FROZEN_GRAPH, ONNX = "FrozenGraph", "ONNX"
TagPolicy = Literal["Overwrite", "Refuse"]
_NOT_CONTENT = frozenset({"suspend", "retry", "ttlAfterFinished", "rollout"})
_MAKES_IMAGES = frozenset({"ufile", "model", "export", "source", "build", "test"})
"""Fields without effect while `image.pin` holds an image."""


class Endpoint(Part, frozen=True, kw_only=True):
    """An endpoint of US3 (formerly UFile) outside the known regions: `{scheme}://{bucket}{suffix}/{key}`."""

    scheme: Literal["http", "https"] = "https"
    suffix: str
    """Starts with a dot. May end in `:port`."""


class UFileSpec(Part, frozen=True, kw_only=True):
    """The bucket of US3 (formerly UFile). Exactly one of `region` and `endpoint` is set."""

    bucket: str
    region: str = ""
    network: Literal["", "Public", "Internal"] = ""
    """The network to the region; empty leaves the choice to the installation."""
    endpoint: Endpoint | None = None
    secret_ref: NameRef
    """Secret with the keys `publicKey` and `privateKey`, and `securityToken` for temporary keys."""
    restore: Literal["", "Expedited", "Standard"] = ""
    """Tier of the restore of archived inputs; empty restores nothing."""


WAIT_FOR = "24h"
"""Default of `spec.model.checkpoint.waitFor`."""


class CheckpointSpec(Part, frozen=True, kw_only=True):
    """The checkpoint of the training output to use. Exactly one of `step`, `policy` and `name` is set."""

    step: int | None = None
    name: str = ""
    """The name of a checkpoint without a step, such as `model.ckpt`."""
    policy: Literal["", "Latest"] = ""
    poll: str = ""
    """Polling interval of policy Latest; empty disables polling."""
    wait_for: str = WAIT_FOR
    """How long polling waits for the first checkpoint before the object is Stalled."""


class ModelSpec(Part, frozen=True, kw_only=True):
    """The training output. `prefix` and `checkpoint` are unset if `export.frozen_graph` is set."""

    prefix: str = ""
    checkpoint: CheckpointSpec | None = None
    pipeline_config: str = "pipeline.config"
    """Key relative to `prefix`."""
    label_map: str
    """Full key."""


class ImportedGraph(Part, frozen=True, kw_only=True):
    """A frozen graph that the user brings in place of a checkpoint."""

    key: str


class ExportSpec(Part, frozen=True, kw_only=True):
    """The export stage."""

    input_type: InputType = "image_tensor"
    output_prefix: str = "uai/object-export-output/"
    formats: tuple[str, ...] = (FROZEN_GRAPH,)
    readable_by: str = ""
    """The oldest TensorFlow version that must read the graph, such as `1.7`; empty for any."""
    frozen_graph: ImportedGraph | None = None
    timeout: str = "30m"
    resources: Resources = Resources()

    @property
    def other_formats(self) -> tuple[str, ...]:
        """The export formats beside the frozen graph, sorted."""
        return tuple(sorted(set(self.formats) - {FROZEN_GRAPH}))


class CacheSpec(Part, frozen=True, kw_only=True):
    """Kaniko's cache of RUN layers."""

    enabled: bool = False
    repository: str = ""
    """Empty for the image's repository with the suffix `-cache`."""


class BuildSpec(Part, frozen=True, kw_only=True):
    """The build stage."""

    args: dict[str, str] = {}
    builder: Literal["", "Kaniko", "Append"] = ""
    """Empty leaves it to the installation."""
    reproducible: bool = False
    cache: CacheSpec = CacheSpec()
    timeout: str = "1h"
    resources: Resources = Resources()


class ImageSpec(Part, frozen=True, kw_only=True):
    """Where the image is pushed, and under which tags."""

    repository: str
    tags: tuple[str, ...]
    """Templates with the variables `{step}` and `{contentHash}`."""
    push_secret_ref: NameRef | None = None
    """Secret of type `kubernetes.io/dockerconfigjson`."""
    ca_secret_ref: NameRef | None = None
    """Secret with the key `ca.crt`."""
    additional_repositories: tuple[str, ...] = ()
    """Repositories that get the same image under the same tags."""
    tag_policy: TagPolicy = "Overwrite"
    pin: str = ""
    """A digest of `status.history` that is published in place of new content; empty for none."""


class ExpectedField(Part, frozen=True, kw_only=True):
    """A field that the answer to the sample must have."""

    path: str
    """A JSON pointer (RFC 6901)."""
    equals: int | str | msgspec.UnsetType = msgspec.UNSET
    """The expected value; a text that is JSON stands for its value. Unset for any value."""


class ExpectSpec(Part, frozen=True, kw_only=True):
    """What the test expects of the answer to the sample. The answer is always JSON."""

    status: int | None = None
    """The HTTP status; None for any 2xx."""
    fields: tuple[ExpectedField, ...] = ()


class TestSpec(Part, frozen=True, kw_only=True):
    """The test of the built image, before its tags move."""

    __test__ = False  # tells pytest that this is not a test class

    enabled: bool = True
    sample: str = ""
    """Key of the picture to send; empty sends a generated one."""
    port: int = 8080
    ready_path: str = "/initialized"
    path: str = "/service"
    timeout: str = "2m"
    resources: Resources = Resources()
    """Of the image under test."""
    expect: ExpectSpec = ExpectSpec()
    match_graph: bool = False
    """Compare the detections with those of the frozen graph."""


class RetrySpec(Part, frozen=True, kw_only=True):
    """How often a stage is retried after a transient failure."""

    limit: int = 2


class Spec(Part, frozen=True, kw_only=True):
    """The desired state."""

    suspend: bool = False
    ufile: UFileSpec
    model: ModelSpec
    export: ExportSpec = ExportSpec()
    source: SourceSpec
    build: BuildSpec = BuildSpec()
    image: ImageSpec
    test: TestSpec = TestSpec()
    rollout: RolloutSpec | None = None
    """Hands the published image over; None leaves that to others."""
    retry: RetrySpec = RetrySpec()
    ttl_after_finished: str = "24h"
    scheduling: SchedulingSpec = SchedulingSpec()
    resources: StepResources = StepResources()
    pod_metadata: PodMetadata = PodMetadata()

    @property
    def poll(self) -> str:
        """The polling interval: the shorter one of the checkpoint and the source.

        Empty if neither polls, and while an image is pinned.
        """
        if self.image.pin:
            return ""
        wanted = [part.poll for part in (self.model.checkpoint, self.source.git) if part and part.poll]
        return min(wanted, key=parse_duration, default="")


def normalised(spec: Spec) -> bytes:
    """Canonical JSON of a spec, for hashing.

    It leaves out default values, so that a new field changes no hash until somebody uses it. It also leaves out the
    fields that do not change the result: `suspend`, `retry`, `ttlAfterFinished`, `rollout` and every `poll`, `waitFor`;
    while an image is pinned, everything that makes images.
    """
    omitted = _NOT_CONTENT | _MAKES_IMAGES if spec.image.pin else _NOT_CONTENT
    if spec.model.checkpoint:
        checkpoint = replace(spec.model.checkpoint, poll="", wait_for=WAIT_FOR)
        spec = replace(spec, model=replace(spec.model, checkpoint=checkpoint))
    if spec.source.git:
        spec = replace(spec, source=replace(spec.source, git=replace(spec.source.git, poll="")))
    document = {name: value for name, value in _set_fields(spec).items() if name not in omitted}
    return msgspec.json.encode(document, order="sorted")


def _set_fields(part: Part) -> dict[str, Any]:
    values = ((encoded, getattr(part, name), default) for name, encoded, default in _defaults(type(part)))
    return {encoded: _plain(value) for encoded, value, default in values if value != default}


def _plain(value: object) -> object:
    if isinstance(value, Part):
        return _set_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _defaults(kind: type[Part]) -> tuple[tuple[str, str, object], ...]:
    """Of each field the name, the name in JSON, and the default. Cached: msgspec resolves all annotations for it."""
    return tuple((field.name, field.encode_name, _default(field)) for field in msgspec.structs.fields(kind))


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
