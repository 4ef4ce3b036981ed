"""What the operator hands to each Job container: one JSON document in the environment variable of `paths.INPUT_ENV`.

Secrets are never part of an input; they come by `secretKeyRef` or as a mounted file (see `paths`).
Unknown fields are refused, so an operator and a Job image of different versions fail loudly.
"""

import os
from typing import Any, Literal, TypeVar

import msgspec

from inference_image_contract import registry_names, uhub
from inference_image_contract.errors import StageError
from inference_image_contract.paths import INPUT_ENV
from inference_image_contract.reasons import Reason


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of every input."""


T = TypeVar("T", bound=Input)

MAX_FILES = 5000
MAX_BYTES = 64 * 1024**3
"""Limits of a transfer where the installation names none."""


class UFile(Input, frozen=True, kw_only=True):
    """Where objects live: `{scheme}://{bucket}{suffix}/{key}`, for example suffix `.cn-bj.ufileos.com`."""

    bucket: str
    scheme: str
    suffix: str
    max_files: int = MAX_FILES
    """Objects that one transfer may have."""
    max_bytes: int = MAX_BYTES
    """Bytes that one transfer may have."""


class RegistryLimit(Input, frozen=True, kw_only=True):
    """What a registry takes; 0 where there is no limit."""

    host: str
    """One of its names."""
    tags: int = 0
    """Tags of one repository."""
    warn_tags: int = 0
    """How many tags are worth a warning."""
    layer_bytes: int = 0
    """Bytes of one layer, compressed."""


REGISTRY_LIMITS = (
    RegistryLimit(
        host=registry_names.UHUB[0], tags=uhub.MAX_TAGS, warn_tags=uhub.WARN_TAGS, layer_bytes=uhub.MAX_LAYER_BYTES
    ),
)
"""Limits where the installation names none."""


class Registry(Input, frozen=True, kw_only=True):
    """The registry of one image. Credentials and CA are files of fixed paths, present only if mounted."""

    repository: str
    """host[:port]/path, lower case, no tag and no digest."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that this installation allows, for the target and for every FROM; empty allows any."""
    plain_http_hosts: tuple[str, ...] = ()
    token_hosts: tuple[str, ...] = ()
    """Token servers that may see a registry's login although they are on another domain."""
    mirrors: dict[str, tuple[str, ...]] = {}
    """Registry -> hosts, or `host/path`, that are asked for its base images first."""
    additional_repositories: tuple[str, ...] = ()
    """Where the image is published too; as `repository`."""
    aliases: tuple[tuple[str, ...], ...] = registry_names.ALIASES
    """Names of one registry in groups, the preferred name first."""
    limits: tuple[RegistryLimit, ...] = REGISTRY_LIMITS

    def names(self) -> registry_names.RegistryNames:
        """Which hosts are one registry."""
        return registry_names.RegistryNames(self.aliases, self.allowed_hosts)

    def limit(self, host: str) -> RegistryLimit:
        """What the registry of this host takes."""
        found = self.names().find(host, {limit.host: limit for limit in self.limits})
        return found or RegistryLimit(host=host)


class PinnedObject(Input, frozen=True, kw_only=True):
    """One UFile object as it was when it was resolved."""

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
    """Folder of the repository that is the build context; empty for all of it."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts (`host[:port]`) that this installation allows; no other is ever spoken to."""


class BaseRewrite(Input, frozen=True, kw_only=True, rename={"prefix": "from", "replacement": "to"}):
    """Images below one registry or repository are pulled from below another that holds the same."""

    prefix: str
    replacement: str


class PinnedArchive(PinnedObject, frozen=True, kw_only=True):
    """An archive that is the source."""

    sha256: str
    """Hex."""


class PinnedCommit(Input, frozen=True, kw_only=True):
    """What a ref of a Git repository meant."""

    commit: str
    """40 hex digits."""
    tag: str = ""
    """The annotated tag that leads to it, as an object's name: some servers give a commit by its tag only."""


class PinnedFile(Input, frozen=True, kw_only=True):
    """One file of the build context: its path there, its content, and where it comes from."""

    path: str
    """Relative to the context, `/`-separated."""
    size: int
    etag: str = ""
    """UFile ETag when the source is UFile."""
    key: str = ""
    sha256: str = ""
    """Hex, when the source is no UFile prefix."""


class InputLock(Input, frozen=True, kw_only=True):
    """Everything that was pinned, in full. Stored in UFile as JSON; Jobs read it by key and verify its SHA-256."""

    schema_version: int = 1
    fingerprint: str
    """sha256:<hex> of everything that enters the export."""
    content_hash: str
    """sha256:<hex> of everything that enters the image."""
    step: int | None = None
    """None for a ready graph."""
    checkpoint: tuple[PinnedObject, ...]
    """Index, data shards and, where present, meta; empty when `frozen_graph` is set."""
    pipeline_config: PinnedObject | None = None
    """Comes with a checkpoint, and only with one."""
    frozen_graph: PinnedObject | None = None
    """A graph that somebody else exported, in place of a checkpoint."""
    label_map: PinnedObject
    num_classes: int
    source: tuple[PinnedFile, ...]
    dockerfile: str
    """Path of the Dockerfile within the source."""
    dockerfile_ignored: bool = False
    """Whether .dockerignore keeps the Dockerfile out of the context: it is read, then taken away."""
    generated_dockerfile: str = ""
    """The text of the Dockerfile, when the source has none."""
    archive: PinnedArchive | None = None
    commit: PinnedCommit | None = None
    base_images: dict[str, str]
    """FROM reference as written after ARG substitution -> the image that is pulled for it, pinned by digest."""


class InputLockRef(Input, frozen=True, kw_only=True):
    """A `InputLock` in UFile."""

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
    """Between its answers and the frozen graph's on the pictures of the export; a decimal number such as `4.2e-07`."""


class Graph(StoredFile, frozen=True, kw_only=True):
    """A frozen graph in UFile, and its other forms."""

    tensorflow: str = ""
    readable_by: str = ""
    """The oldest TensorFlow that reads the graph: `1.7`, `1.15`, or that of the export, such as `2.21`."""
    memory_bytes: int = 0
    """Peak memory of a process that loaded the graph with `tensorflow` and ran it on one picture."""
    saved_model: StoredFile | None = None
    """`saved_model.pb`; the weights are in it, so it is the only file of its folder."""
    onnx: OnnxModel | None = None


class ResolveInput(Input, frozen=True, kw_only=True):
    """Input of `resolve`."""

    ufile: UFile
    prefix: str
    step: int | None = None
    """None asks for the newest checkpoint that is whole."""
    pipeline_config: str
    """Key relative to `prefix`."""
    label_map: str
    """Full key."""
    input_type: str
    formats: tuple[str, ...] = ()
    """What is exported beside the frozen graph, sorted: `ONNX`, `SavedModel`."""
    readable_by: str = ""
    """The TensorFlow that must be able to read the graph, such as `1.7`; empty for any."""
    frozen_graph: str = ""
    """Full key of a ready graph in place of a checkpoint; then `prefix`, `step` and `pipeline_config` say nothing."""
    output_prefix: str
    source_prefix: str = ""
    """UFile prefix of the source; the mounted ConfigMap is the source when nothing names another."""
    source_archive: str = ""
    """Full key of the archive that is the source."""
    source_git: GitSource | None = None
    inference_base: str = ""
    """The image from which a source without a Dockerfile is built; empty when this installation has none."""
    base_rewrites: tuple[BaseRewrite, ...] = ()
    """The first that fits counts."""
    dockerfile: str
    checkpoint_dir: str
    build_args: dict[str, str] = {}
    builder: str = ""
    """`Append` to have the Dockerfile checked for what that builder does not do."""
    registry: Registry
    sample: str = ""
    """Key of the test picture, empty for none."""
    restore: Literal["", "Expedited", "Standard"] = ""
    """How what is archived is to be restored; empty restores nothing."""
    fixed_tags: tuple[str, ...] = ()
    """Tags, templates as in the spec, that must not point to another image: those of tagPolicy Refuse."""


class ExportInput(Input, frozen=True, kw_only=True):
    """Input of the export container."""

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


class AppendInput(Input, frozen=True, kw_only=True):
    """Input of `append`: builds the assembled context without running anything."""

    registry: Registry
    content_tag: str
    dockerfile: str
    """Path of the Dockerfile within the source, for messages."""
    checkpoint_dir: str
    """What lies there gets layers of its own."""
    build_args: dict[str, str] = {}
    labels: dict[str, str] = {}


class ReportInput(Input, frozen=True, kw_only=True):
    """Input of `report`."""

    registry: Registry
    content_tag: str


class AnswerInput(Input, frozen=True, kw_only=True):
    """Input of `answer`: runs the frozen graph on the sample, for the probe to compare with."""

    ufile: UFile
    input_lock: InputLockRef
    """Pins the label map, which names the classes."""
    graph: StoredFile
    input_type: str
    sample: str = ""
    """Key of the picture; empty for the drawn one."""


class ExpectedField(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A field that the answer must have."""

    path: str
    """A JSON pointer (RFC 6901)."""
    equals: Any = msgspec.UNSET
    """Its value, any JSON; unset for any value."""


class ProbeInput(Input, frozen=True, kw_only=True):
    """Input of `probe`: asks the built image, which runs beside it on loopback."""

    port: int
    ready_path: str
    path: str
    timeout_seconds: int
    sample: str = ""
    ufile: UFile | None = None
    status: int | None = None
    """The status that is expected; None for any of success."""
    fields: tuple[ExpectedField, ...] = ()
    match_graph: bool = False
    """Compare with what the frozen graph answers."""


DIGEST_PREFIX = 8
"""Hex digits by which retention is told an image: one that is taken for another is kept, which does no harm."""


class Retention(Input, frozen=True, kw_only=True):
    """Which of the operator's own content tags go after publishing."""

    keep: int
    """How many that nobody refers to are kept, the newest."""
    current: tuple[str, ...] = ()
    """What an InferenceImage is or makes: the first `DIGEST_PREFIX` digits of digests and of content hashes."""
    history: tuple[str, ...] = ()
    """The same of the images that were published before."""
    delete_images: bool = False
    """Deletes the images as well, not only their tags."""


class PublishInput(Input, frozen=True, kw_only=True):
    """Input of `publish`: moves the tags to the digest and reads them back."""

    registry: Registry
    digest: str
    tags: tuple[str, ...]
    refuse_moves: bool = False
    """A tag that points to another digest stops everything before the first tag moves."""
    retention: Retention | None = None


def encode(value: Input) -> str:
    """The JSON text of an input, keys in a fixed order so that equal inputs give equal Jobs."""
    return msgspec.json.encode(value, order="sorted").decode()


def from_environment(kind: type[T]) -> T:
    """The input of this container, read from the environment.

    Raises StageError (`InvalidInput`) when it is missing or of another version.
    """
    text = os.environ.get(INPUT_ENV, "")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise StageError(
            Reason.INVALID_INPUT,
            f"{INPUT_ENV} does not hold a {kind.__name__}: {error}",
            "The operator and the image of this step are of different versions: install them from one chart.",
        ) from error
