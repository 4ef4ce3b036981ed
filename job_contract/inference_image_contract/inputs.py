"""What the operator hands to each Job container: one JSON document in the environment variable of `paths.INPUT_ENV`.

Secrets are never part of an input; they come through `secretKeyRef` or as a mounted file (see `paths`).
Unknown fields are refused, so an operator and a Job image of different versions fail loudly.
"""

import os
from typing import Any, Literal, TypeVar

import msgspec

from inference_image_contract import clock, registry_names, uhub
from inference_image_contract.errors import StageError
from inference_image_contract.paths import INPUT_ENV
from inference_image_contract.reasons import Reason


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of every input."""


T = TypeVar("T", bound=Input)

MAX_FILES = 5000
MAX_BYTES = 64 * 1024**3
"""Limits of a transfer when the installation sets none."""


class UFile(Input, frozen=True, kw_only=True):
    """Where objects live: `{scheme}://{bucket}{suffix}/{key}`, for example suffix `.cn-bj.ufileos.com`."""

    bucket: str
    scheme: str
    suffix: str
    max_files: int = MAX_FILES
    """Most objects in one transfer."""
    max_bytes: int = MAX_BYTES
    """Most bytes in one transfer."""


class RegistryLimit(Input, frozen=True, kw_only=True):
    """What a registry accepts; 0 means no limit."""

    host: str
    """One of its names."""
    tags: int = 0
    """Most tags in one repository."""
    warn_tags: int = 0
    """Number of tags from which the stage warns."""
    layer_bytes: int = 0
    """Most bytes of one compressed layer."""


REGISTRY_LIMITS = (
    RegistryLimit(
        host=registry_names.UHUB[0], tags=uhub.MAX_TAGS, warn_tags=uhub.WARN_TAGS, layer_bytes=uhub.MAX_LAYER_BYTES
    ),
)
"""Limits when the installation sets none."""


class Registry(Input, frozen=True, kw_only=True):
    """The registry of one image. Credentials and CA are files at fixed paths, present only if mounted."""

    repository: str
    """host[:port]/path, lower case, no tag and no digest."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that this installation allows, for the target and for every FROM; empty allows any."""
    plain_http_hosts: tuple[str, ...] = ()
    token_hosts: tuple[str, ...] = ()
    """Token servers that may receive a registry's login although they are in another domain."""
    mirrors: dict[str, tuple[str, ...]] = {}
    """Registry -> mirrors (`host` or `host/path`) that are tried first for its base images."""
    additional_repositories: tuple[str, ...] = ()
    """Further repositories that get the image, in the form of `repository`."""
    aliases: tuple[tuple[str, ...], ...] = registry_names.ALIASES
    """Names of one registry in groups, the preferred name first."""
    limits: tuple[RegistryLimit, ...] = REGISTRY_LIMITS

    def names(self) -> registry_names.RegistryNames:
        """Which hosts are names of the same registry."""
        return registry_names.RegistryNames(self.aliases, self.allowed_hosts)

    def limit(self, host: str) -> RegistryLimit:
        """The limits of the registry with this host."""
        found = self.names().find(host, {limit.host: limit for limit in self.limits})
        return found or RegistryLimit(host=host)


class PinnedObject(Input, frozen=True, kw_only=True):
    """One UFile object as Resolve found it."""

    key: str
    size: int
    etag: str


class GitSource(Input, frozen=True, kw_only=True):
    """A Git repository as the source. Credentials are files below `paths.GIT_SECRET`, present only if mounted."""

    url: str
    """`https://host[:port]/path` or `ssh://[user@]host[:port]/path`."""
    ref: str
    """Branch, tag, full commit, or `HEAD`."""
    path: str = ""
    """Folder of the repository that is the build context; empty for the whole repository."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts (`host[:port]`) that this installation allows; no other host is ever contacted."""


class BaseRewrite(Input, frozen=True, kw_only=True, rename={"prefix": "from", "replacement": "to"}):
    """Images under one registry or repository prefix are pulled from another that holds the same images."""

    prefix: str
    replacement: str


class PinnedArchive(PinnedObject, frozen=True, kw_only=True):
    """The archive that holds the source."""

    sha256: str
    """Hex."""
    folder: str = ""
    """Its top folder, which is not part of the context."""


class PinnedCommit(Input, frozen=True, kw_only=True):
    """The commit that a Git ref resolved to."""

    commit: str
    """40 hex digits."""
    tag: str = ""
    """Object name of the annotated tag that points to it: some servers serve the commit only through its tag."""


class PinnedFile(Input, frozen=True, kw_only=True):
    """One file of the build context: its path there, its content, and where it comes from."""

    path: str
    """Relative to the context, `/`-separated."""
    size: int
    etag: str = ""
    """UFile ETag when the source is UFile."""
    key: str = ""
    sha256: str = ""
    """Hex, when the source is not a UFile prefix."""
    executable: bool = False
    """The executable bit of an archive or of Git, the only part of a mode that is content."""


class BaseSettings(Input, frozen=True, kw_only=True):
    """The settings of a base image that decide what a Dockerfile on top of it means."""

    env: tuple[str, ...] = ()
    """`NAME=value`, as in the image's configuration."""
    shell: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    on_build: tuple[str, ...] = ()
    """The instructions of ONBUILD, which run in a build on top."""


class InputLock(Input, frozen=True, kw_only=True):
    """Every pinned input of a run. Stored in UFile as JSON; Jobs read it by key and verify its SHA-256."""

    schema_version: int = 1
    fingerprint: str
    """sha256:<hex> of all that enters the export."""
    inputs_hash: str
    """sha256:<hex> of all that enters the image, except for the bytes of the graph, which is made later."""
    step: int | None = None
    """None for an imported graph, and for a checkpoint without a step in its name."""
    checkpoint_name: str = ""
    """The name of a checkpoint without a step, such as `model.ckpt`."""
    checkpoint: tuple[PinnedObject, ...]
    """Index and data shards; empty when `frozen_graph` is set."""
    pipeline_config: PinnedObject | None = None
    """Set exactly when there is a checkpoint."""
    frozen_graph: PinnedObject | None = None
    """The imported graph, in place of a checkpoint."""
    label_map: PinnedObject
    num_classes: int
    source: tuple[PinnedFile, ...]
    dockerfile: str
    """Path of the Dockerfile within the source."""
    dockerfile_ignored: bool = False
    """Whether .dockerignore excludes the Dockerfile: `assemble` reads it, then removes it from the context."""
    generated_dockerfile: str = ""
    """The text of the Dockerfile, when the source has none."""
    archive: PinnedArchive | None = None
    commit: PinnedCommit | None = None
    base_images: dict[str, str]
    """FROM reference after ARG substitution -> the image that is pulled for it, pinned by digest."""
    base_settings: dict[str, BaseSettings] = {}
    """FROM reference after ARG substitution -> the settings of that image."""


class InputLockRef(Input, frozen=True, kw_only=True):
    """An `InputLock` in UFile."""

    key: str
    sha256: str
    """Hex."""


class StoredFile(Input, frozen=True, kw_only=True):
    """A result in UFile."""

    key: str
    sha256: str
    """Hex."""
    size: int


class OnnxModel(StoredFile, frozen=True, kw_only=True):
    """The same detector as an ONNX model."""

    greatest_difference: str
    """Largest difference from the frozen graph's answers on the export's pictures, a decimal such as `4.2e-07`."""


class Graph(StoredFile, frozen=True, kw_only=True):
    """A frozen graph in UFile, and its other export formats."""

    tensorflow: str = ""
    readable_by: str = ""
    """The oldest TensorFlow that reads the graph: `1.7`, `1.15`, or the export's own, such as `2.21`."""
    memory_bytes: int = 0
    """Peak memory of a process that loads the graph with `tensorflow` and runs it on one picture."""
    saved_model: StoredFile | None = None
    """`saved_model.pb`; it contains the weights, so it is the only file of its folder."""
    onnx: OnnxModel | None = None


class ResolveInput(Input, frozen=True, kw_only=True):
    """Input of `resolve`."""

    ufile: UFile
    prefix: str
    step: int | None = None
    """None selects the newest complete checkpoint, unless `checkpoint_name` is set."""
    checkpoint_name: str = ""
    """The name of a checkpoint without a step, such as `model.ckpt`; excludes `step`."""
    pipeline_config: str
    """Key relative to `prefix`."""
    label_map: str
    """Full key."""
    input_type: str
    formats: tuple[str, ...] = ()
    """Export formats besides the frozen graph, sorted: `ONNX`, `SavedModel`."""
    readable_by: str = ""
    """The TensorFlow release that must read the graph, such as `1.7`; empty for any."""
    frozen_graph: str = ""
    """Full key of the imported graph; if set, `prefix`, `step`, `checkpoint_name` and `pipeline_config` are ignored."""
    output_prefix: str
    source_prefix: str = ""
    """UFile prefix of the source. If no source field is set, the source is the mounted ConfigMap."""
    source_archive: str = ""
    """Full key of the archive that holds the source."""
    source_git: GitSource | None = None
    inference_base: str = ""
    """Base image for a source without a Dockerfile; empty when this installation has none."""
    base_rewrites: tuple[BaseRewrite, ...] = ()
    """The first match applies."""
    dockerfile: str
    checkpoint_dir: str
    build_args: dict[str, str] = {}
    builder: str = "Kaniko"
    """The builder that the Dockerfile must fit."""
    allowed_builders: tuple[str, ...] = ()
    """The builders that a hint may name."""
    registry: Registry
    sample: str = ""
    """Key of the test picture; empty for none."""
    restore: Literal["", "Expedited", "Standard"] = ""
    """How to restore archived objects; empty restores nothing."""
    exports: dict[str, str] = {}
    """Fingerprint -> hex SHA-256 of result.json, of the exports that Jobs of this object made. No other is reused."""
    images: dict[str, str] = {}
    """Content hash -> digest, of the images that Jobs of this object built. No other is reused."""
    fixed_tags: tuple[str, ...] = ()
    """Tag templates of the spec that must not point to another image (tagPolicy Refuse)."""


class ExportInput(Input, frozen=True, kw_only=True):
    """Input of `download`, `export` and `upload`."""

    ufile: UFile
    input_lock: InputLockRef
    input_type: str
    formats: tuple[str, ...] = ()
    """As in `ResolveInput`."""
    readable_by: str = ""
    output_prefix: str
    timeout_seconds: int


class AssembleInput(Input, frozen=True, kw_only=True):
    """Input of `assemble`."""

    ufile: UFile
    input_lock: InputLockRef
    graph: Graph
    source_prefix: str = ""
    source_git: GitSource | None = None
    checkpoint_dir: str
    build_args: dict[str, str] = {}
    builder: str = "Kaniko"
    """The builder that the Dockerfile is written for."""


class PullInput(Input, frozen=True, kw_only=True):
    """Input of `pull`, which puts the base images into the depot."""

    registry: Registry
    dockerfile: str
    """Path of the Dockerfile within the source, for messages."""
    build_args: dict[str, str] = {}
    cache_host: str = ""
    """The registry of Kaniko's cache, if it is enabled: `pull` writes a docker `config.json` with the login for it."""


class AppendInput(Input, frozen=True, kw_only=True):
    """Input of `append`, which builds the assembled context without running anything."""

    registry: Registry
    content_tag: str
    dockerfile: str
    """Path of the Dockerfile within the source, for messages."""
    checkpoint_dir: str
    """Files in this folder get layers of their own."""
    build_args: dict[str, str] = {}
    labels: dict[str, str] = {}
    known_repositories: tuple[str, ...] = ()
    """Repositories of earlier images of this object: they may have its layers."""
    allowed_builders: tuple[str, ...] = ()
    """The builders that a hint may name."""


class ReportInput(Input, frozen=True, kw_only=True):
    """Input of `report`."""

    registry: Registry
    content_tag: str
    pushes: bool = False
    """Whether the builder left the image in the depot, for `report` to push."""
    known_repositories: tuple[str, ...] = ()
    """As in `AppendInput`."""


class AnswerInput(Input, frozen=True, kw_only=True):
    """Input of `sample`, which downloads, and of `answer`, which runs the frozen graph for the probe to compare."""

    ufile: UFile
    input_lock: InputLockRef
    """Pins the label map, which names the classes."""
    graph: StoredFile
    input_type: str
    sample: str = ""
    """Key of the picture; empty for the built-in one."""
    sample_etag: str = ""
    """ETag that the picture must have; empty for any."""


class SampleInput(Input, frozen=True, kw_only=True):
    """Input of `sample` when the probe needs the picture alone."""

    ufile: UFile
    sample: str
    sample_etag: str = ""
    """As in `AnswerInput`."""


class ExpectedField(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A field that the response must have."""

    path: str
    """A JSON pointer (RFC 6901)."""
    equals: Any = msgspec.UNSET
    """Its expected value, any JSON; unset accepts any value."""


class ProbeInput(Input, frozen=True, kw_only=True):
    """Input of `probe`, which sends a request to the image under test, at the pod's address."""

    port: int
    ready_path: str
    path: str
    timeout_seconds: int
    sample: str = ""
    """Key of the picture, which `sample` has left in the workspace; empty for the built-in one."""
    status: int | None = None
    """The expected HTTP status; None accepts any 2xx status."""
    fields: tuple[ExpectedField, ...] = ()
    match_graph: bool = False
    """Whether to compare the response with the frozen graph's answer."""


DIGEST_PREFIX = 8
"""Hex digits that identify an image for retention. A collision only keeps an image too many."""


class Retention(Input, frozen=True, kw_only=True):
    """Which of the operator's content tags are removed after publishing."""

    keep: int
    """How many unreferenced images to keep, the newest first."""
    current: tuple[str, ...] = ()
    """Images that an InferenceImage publishes or builds: `DIGEST_PREFIX` digits of their digests and content hashes."""
    history: tuple[str, ...] = ()
    """The same for images that were published earlier."""
    delete_images: bool = False
    """Whether to delete the images as well, not only their tags."""


class PublishInput(Input, frozen=True, kw_only=True):
    """Input of `publish`, which moves the tags to the digest and reads them back."""

    registry: Registry
    digest: str
    tags: tuple[str, ...]
    refuse_moves: bool = False
    """If any tag points to another digest, no tag is moved."""
    retention: Retention | None = None


def encode(value: Input) -> str:
    """The JSON text of an input, with sorted keys so that equal inputs give equal Jobs."""
    return msgspec.json.encode(value, order="sorted").decode()


def from_environment(kind: type[T]) -> T:
    """The input of this container, read from the environment. A step reads it after its imports, which end here.

    Raises StageError (`InvalidInput`) when it is missing or has another version.
    """
    clock.MARKS.imported()
    text = os.environ.get(INPUT_ENV, "")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise StageError(
            Reason.INVALID_INPUT,
            f"{INPUT_ENV} does not hold a {kind.__name__}: {error}",
            "The operator and the image of this step have different versions. Install both from the same chart.",
        ) from error
